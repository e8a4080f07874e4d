"""Whom the gateway believes about the time, and when it says so to the engine."""

from collections.abc import Callable
from datetime import datetime, timedelta

from edge.clock import AnchoredClock, Machine
from rules.inputs import TimeTrust

TOLERANCE = timedelta(seconds=2)
"A difference that is left alone: no rule needs more."
_CENTER_RULES_FOR = timedelta(days=1)
"So long after the center's word the machine's own date is not asked: NTP is not authenticated."
CHECK_WHILE_UNTRUSTED = timedelta(minutes=1)
CHECK_WHILE_TRUSTED = timedelta(hours=1)


class Timekeeper:
    """Sets the clock by the center's authenticated time, else by the machine's witness."""

    def __init__(
        self,
        clock: AnchoredClock,
        machine: Machine,
        source: str | None,
        tell: Callable[[TimeTrust], object],
    ) -> None:
        """`tell` puts the change to the engine at once."""
        self._clock = clock
        self._machine = machine
        self._source = source
        self._tell = tell
        self._center_spoke: datetime | None = None

    @property
    def source(self) -> str | None:
        """Who vouches for the time now: `center`, `ntp`, `rtc`, or None."""
        return self._source

    @property
    def check_after(self) -> timedelta:
        """How long until `check` is due again."""
        return CHECK_WHILE_UNTRUSTED if self._source is None else CHECK_WHILE_TRUSTED

    def center_time(self, told: datetime, round_trip: timedelta) -> None:
        """Take in the time of an authenticated reply; it was true within the round trip."""
        # Half the trip is the best guess of the way back; the whole of it bounds the error.
        self._believe("center", told + round_trip / 2, round_trip)
        self._center_spoke = self._clock.now()

    def check(self) -> None:
        """Ask the machine whether its date is vouched for."""
        spoke = self._center_spoke
        if spoke is not None and self._clock.now() - spoke < _CENTER_RULES_FOR:
            return
        witness = self._machine.synchronized()
        if witness is not None and not (witness == "rtc" and self._source is not None):
            self._believe(witness, self._machine.now(), timedelta())

    def _believe(self, source: str, moment: datetime, error: timedelta) -> None:
        off = moment - self._clock.now()
        shift = timedelta()
        if abs(off) > max(TOLERANCE, error):
            shift = self._clock.set(moment)
        if shift or self._source is None:
            self._source = source
            self._tell(TimeTrust(trusted=True, source=source, shift=shift))
        self._source = source
