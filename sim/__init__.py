"""Simulated homes, links, faults and clocks; not installed on a gateway."""
