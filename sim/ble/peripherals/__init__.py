"""What is on the air around: devices of each supported kind, and a crowd of strangers.

None of them has a radio: each is asked for the frames of a moment, and when to ask again.
"""
