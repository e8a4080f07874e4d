"""A simulated home on the air: frames as its devices send them."""
