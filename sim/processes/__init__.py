"""Real processes on one virtual clock: started, listened to, killed, and what they start from."""
