"""Measured figures, each beside a floor in the same run."""
