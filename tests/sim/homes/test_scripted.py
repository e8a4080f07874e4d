"""A home to which something certain happens."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import takewhile

from rules.observation import Phenomenon
from sim.homes import names
from sim.homes.act import Act, Happening
from sim.homes.population import DEMO, home
from sim.homes.scripted import Scripted

START = datetime.fromisoformat("2026-01-05T00:00:00+09:00")
HOUR = timedelta(hours=1)
LEAK = Act(START + 10 * HOUR, names.BATHROOM_LEAK, Phenomenon.LEAK, True, None)
OUT = (START + 9 * HOUR, START + 15 * HOUR)


def scripted(*script: Happening, out: bool = False) -> Scripted:
    drawn = home(1, 1, START, DEMO)
    return Scripted(drawn, drawn.book, script, (OUT,) if out else ())


def day(lived: Scripted) -> list[Happening]:
    return list(takewhile(lambda one: one.at < START + 24 * HOUR, lived.happenings()))


def by_hand(lived: Scripted) -> Iterator[Act]:
    begin, end = OUT
    return (
        one
        for one in day(lived)
        if isinstance(one, Act) and one.hand is not None and begin <= one.hand < end
    )


def test_what_is_written_happens_beside_what_is_drawn_in_order() -> None:
    lived = day(scripted(LEAK))
    assert LEAK in lived
    assert [one for one in lived if one != LEAK] == day(scripted())
    assert [one.at for one in lived] == sorted(one.at for one in lived)


def test_hands_do_nothing_where_nobody_is() -> None:
    assert any(by_hand(scripted()))
    away = scripted(LEAK, out=True)
    assert not any(by_hand(away))
    assert LEAK in day(away)
    assert not away.at_home(START + 12 * HOUR)
