"""Recorded homes: their files, and the people in them."""
