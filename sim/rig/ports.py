"""A UDP port for a center that is killed and started again: it stays the same."""

import socket


def free_port(host: str) -> int:
    """A port that nobody has now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
