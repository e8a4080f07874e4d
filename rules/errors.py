"""Errors by who is to blame: the peer, the operator, or the world."""


class FrameError(ValueError):
    """The bytes are no valid frame; the peer or the link is at fault, never the caller."""


class ConfigError(ValueError):
    """The operator wrote something unusable.

    The message reads: where it stands, what was found, and what would be right.
    """

    def __init__(self, where: str, found: str, right: str) -> None:
        super().__init__(f"{where}: found {found}; {right}")
        self.where = where
        self.found = found
        self.right = right


class LinkLost(ConnectionError):  # noqa: N818 -- names what happened, as style.md lists it
    """The other end of a link is gone; the caller may try again."""
