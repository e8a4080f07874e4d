"""What a gateway tells those who watch it: everything that was decided, and what was delivered."""

from dataclasses import dataclass
from datetime import datetime

from rules.events import Event


@dataclass(frozen=True, slots=True)
class Delivered:
    """The center has persisted the record `serial`."""

    at: datetime
    serial: int


Happening = Event | Delivered
