"""What `ongi status` and `ongi devices list` show, of a real engine's status."""

from datetime import UTC
from io import StringIO

import pytest
from rich.console import Console, RenderableType

from edge.screen import Screen
from edge.status import About, Plumbing, Status, UplinkStatus
from rules.observation import Phenomenon
from tests.rules.home import KETTLE, MINUTE, NODE, Home, device
from texts import Language, translator

FRIDGE = device("fridge", Phenomenon.POWER_W, mains=True)


def status_of(home: Home) -> Status:
    uplink = UplinkStatus(None, 0, 120, "")
    plumbing = Plumbing("rtc", 0, uplink, (), 0, journal_durable=True, findings=())
    about = About("home-1", "Home 1", "Asia/Seoul", "1")
    return Status.of(home.engine, home.now, about, plumbing, lambda _: (None, False))


def shown(what: RenderableType) -> str:
    out = StringIO()
    Console(file=out, width=200).print(what)
    return out.getvalue()


@pytest.mark.parametrize(
    ("language", "hint"),
    [
        (Language.EN, "fridge: it looks as if a machine switches itself"),
        (Language.KO, "fridge: 저절로"),
    ],
)
def test_a_plug_that_shows_a_machine_is_pointed_out_to_the_installer(
    language: Language, hint: str
) -> None:
    home, screen = Home(KETTLE, NODE, FRIDGE), Screen(translator(language), UTC)
    home.see("fridge", Phenomenon.POWER_W, 1.2)
    for _ in range(3 * 24):
        home.see("fridge", Phenomenon.POWER_W, 90.0)
        home.wait(20 * MINUTE)
        home.see("fridge", Phenomenon.POWER_W, 1.2)
        home.wait(40 * MINUTE)
        home.live()
    status = status_of(home)
    machines = [each.id for each in status.devices if each.machine]
    assert machines == [FRIDGE.id]
    assert shown(screen.status(status)).count(hint) == 1
    assert shown(screen.devices([KETTLE, FRIDGE], machines)).count(hint) == 1
    assert hint not in shown(screen.devices([KETTLE, FRIDGE]))
