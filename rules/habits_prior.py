"""What is known of a home before it is known: the silences of simulated ones.

Two kinds of home, with sensors that see people move and with plugs alone. The figures are made by
`python -m sim.prior`, which says of which homes; no recorded home is among them.
"""

import struct
import zlib
from base64 import b85decode
from functools import cache

from rules.habits_prior_data import PLUGS, PRICES, ROOMS
from rules.survival import CELLS, Counts


def table(*, rooms: bool, after_door: bool, days: float) -> Counts:
    """Silences as they would be counted in so many days.

    Args:
        rooms: whether some sensor sees people move.
        after_door: of silences that begin after an outside door moved, not of the others.
        days: how much it shall weigh.

    """
    values = _values(rooms=rooms)
    begin = 2 * CELLS * after_door
    ends, minutes = values[begin : begin + CELLS], values[begin + CELLS : begin + 2 * CELLS]
    return Counts([days * each for each in ends], [days * each for each in minutes])


def prices(*, rooms: bool, after_door: bool, days: float) -> list[float]:
    """How many silences of so many days had each number of price (`rules.habits.PRICES`)."""
    begin = 4 * CELLS + PRICES * after_door
    return [days * each for each in _values(rooms=rooms)[begin : begin + PRICES]]


@cache
def _values(*, rooms: bool) -> tuple[float, ...]:
    packed = zlib.decompress(b85decode(ROOMS if rooms else PLUGS))
    return struct.unpack(f"<{4 * CELLS + 2 * PRICES}e", packed)
