"""What goes wrong in a simulated run: the catalogue, drawn or listed."""
