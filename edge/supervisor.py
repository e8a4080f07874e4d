"""What systemd is told: ready, alive, stopping. Ref: sd_notify(3)."""

import os
import socket


def notify(state: str) -> None:
    """Send one state such as `READY=1`; nothing where no supervisor listens."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.setblocking(False)  # noqa: FBT003 -- the standard library's own signature
        try:
            channel.sendto(state.encode(), address)
        except OSError:
            # A supervisor that is gone or full must not stop the gateway.
            return


def watchdog_s() -> float | None:
    """How often systemd wants a sign of life: half of its limit; None if it does not."""
    limit_us = os.environ.get("WATCHDOG_USEC")
    return int(limit_us) / 2e6 if limit_us and limit_us.isdigit() else None
