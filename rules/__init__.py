"""The pure core: the vocabulary that every part shares, and the decisions on it."""
