"""What was seen, one JSON object a line."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final

MARK: Final = "ONGI "
"Begins a line of ours on a console that the kernel writes on, too."


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that was looked at."""

    what: str
    seen: str
    seconds: float | None = None
    "How long it took, where that matters."
    right: bool | None = None
    "Whether it is as it must be; None: it is only to be compared."


class Book:
    """Takes down what is seen, and tells it at once."""

    def __init__(self, tell: Callable[[Seen], None]) -> None:
        self._tell = tell

    def look(self, what: str, seen: str, seconds: float | None = None) -> None:
        """Something to be compared."""
        self._tell(Seen(what, seen, _rounded(seconds)))

    def proof(self, what: str, seen: str, *, right: bool, seconds: float | None = None) -> None:
        """Something that must be right."""
        self._tell(Seen(what, seen, _rounded(seconds), right))


def encode(seen: Seen) -> str:
    """As it crosses the console."""
    return MARK + json.dumps(asdict(seen))


def decode(line: str) -> Seen | None:
    """What a line says; None: it is somebody else's, or was cut in two by the kernel."""
    _, mark, written = line.partition(MARK)
    if not mark:
        return None
    try:
        match json.loads(written):
            case {
                "what": str(what),
                "seen": str(seen),
                "seconds": float() | int() | None as seconds,
                "right": bool() | None as right,
            }:
                return Seen(what, seen, seconds, right)
    except (ValueError, RecursionError):
        pass
    return None


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
