"""The people of a simulated home as the virtual radio wants them: acts, and a look ahead."""

from collections.abc import Iterator
from datetime import datetime

from sim.homes.act import Act
from sim.homes.ahead import Ahead
from sim.homes.population import SimulatedHome


class Inhabitants:
    """An `Occupant` out of a population; plights and announcements are left to the launcher."""

    def __init__(self, home: SimulatedHome) -> None:
        self._home = home
        self._ahead = Ahead(one for one in home.happenings() if isinstance(one, Act))

    def acts(self) -> Iterator[Act]:
        """All that happens, by hand or not, in order of time; without end."""
        return self._ahead.acts()

    def at_home(self, moment: datetime) -> bool:
        return self._home.at_home(moment)

    def next_by_hand(self, moment: datetime) -> datetime | None:
        return self._ahead.next_by_hand(moment)
