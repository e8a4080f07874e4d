"""`ongi sim run`: one home, its gateway and a center, told as a story."""
