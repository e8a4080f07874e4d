"""The deterministic level: production code over simulated time, and what was seen of it."""
