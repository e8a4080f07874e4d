"""What a simulated home is: its devices, and who lives there."""
