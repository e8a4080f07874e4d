"""The `ongi` command: names the part that was asked for and hands over to it."""
