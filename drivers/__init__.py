"""One adapter per link: bytes in, observations out."""
