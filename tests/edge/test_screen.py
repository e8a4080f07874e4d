"""What `ongi status` and `ongi devices list` show, of a real engine's status."""

from dataclasses import replace
from datetime import UTC
from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from edge.said import SaidScreen
from edge.screen import Screen
from edge.status import About, Plumbing, Status, UplinkStatus
from rules.air import Reception
from rules.alarm import AlarmKey, AlarmKind, AlarmState
from rules.inputs import Taken
from rules.observation import Observation, Phenomenon
from tests.rules.home import DOOR, EPOCH, HOUR, KETTLE, MINUTE, NODE, Home, device
from texts import Language, translator

BLANKET = device("electric-blanket-of-the-guests", *Phenomenon, mains=True)
FRIDGE = device("fridge", Phenomenon.POWER_W, mains=True)


def status_of(home: Home) -> Status:
    uplink = UplinkStatus(None, 0, 120, "")
    plumbing = Plumbing("rtc", 0, uplink, (), 0, journal_durable=True, findings=())
    about = About("home-1", "Home 1", "Asia/Seoul", "1")
    return Status.of(home.engine, home.now, about, plumbing, lambda _: (None, False))


def shown(what: RenderableType, width: int = 200) -> str:
    out = StringIO()
    Console(file=out, width=width, highlight=False).print(what)
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


def silent() -> Home:
    """A home where an alarm for a silence stands that nobody has taken yet."""
    home = Home(*(replace(each, room="부엌 옆방") for each in (KETTLE, NODE, DOOR, BLANKET)))
    home.see("door", Phenomenon.CONTACT_OPEN, True)
    home.see("door", Phenomenon.CONTACT_OPEN, False)
    home.see(BLANKET.id, Phenomenon.TEMPERATURE_C, 31.5)
    home.live()
    home.wait(8 * HOUR + MINUTE)
    return home


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("width", range(32, 200, 7))
def test_what_is_copied_is_never_broken(language: Language, width: int) -> None:
    home, screen = silent(), Screen(translator(language), UTC)
    devices = [replace(each, room="부엌 옆방", keyed=False) for each in (KETTLE, NODE, BLANKET)]
    heard = {each.id: Reception(each.id, "hci0", -84.6, -7.2, 2.5, True) for each in devices}
    status = shown(screen.status(status_of(home)), width)
    listed = shown(screen.devices(devices, receptions=heard), width)
    for line in (status + listed).splitlines():
        assert cell_len(line) <= width
    for each in devices:
        assert status.split().count(each.id) == 1
        assert listed.split().count(each.id) == 1
        assert listed.split().count(each.address) == 1
    assert "inactivity" in status.split()


def test_how_often_a_device_reports_is_said_in_the_readers_language() -> None:
    for width in (60, 200):
        listed = shown(Screen(translator(Language.KO), UTC).devices([KETTLE]), width)
        assert "10분" in listed
        assert "min" not in listed


@pytest.mark.parametrize(
    ("language", "is_open", "is_closed"),
    [(Language.EN, "Contact open", "Contact closed"), (Language.KO, "문 열림", "문 닫힘")],
)
def test_a_door_is_said_to_be_open_or_closed(
    language: Language, is_open: str, is_closed: str
) -> None:
    home, screen = silent(), Screen(translator(language), UTC)
    assert is_closed in shown(screen.status(status_of(home)))
    home.see("door", Phenomenon.CONTACT_OPEN, True)
    assert is_open in shown(screen.status(status_of(home)))


@pytest.mark.parametrize("width", [30, 200])
def test_an_alarm_that_is_taken_still_says_when_it_was_raised(width: int) -> None:
    home, screen = silent(), Screen(translator(Language.EN), UTC)
    assert "08:00" in shown(screen.status(status_of(home)), width)
    home.wait(6 * MINUTE)
    home.put(Taken(1, "Kim"))
    status = status_of(home)
    (alarm,) = (each for each in status.alarms if each.key == AlarmKey(AlarmKind.INACTIVITY))
    assert alarm.state is AlarmState.ACKNOWLEDGED
    assert alarm.since == home.now
    told = shown(screen.status(replace(status, now=home.now + MINUTE)), width)
    assert "08:00" in told
    assert f"{alarm.since:%H:%M}" not in told


@pytest.mark.parametrize("language", Language)
def test_what_is_watched_has_a_line_where_the_words_allow_it(language: Language) -> None:
    rooms = {KETTLE.id: "room of kettle", NODE.id: "room"}
    screen = SaidScreen(translator(language), UTC, rooms)
    seen = Observation(KETTLE.id, Phenomenon.POWER_W, 1482.0, EPOCH, EPOCH)
    weak = Reception(KETTLE.id, "hci0", -84.6, 0.0, 2.5, False)
    weaker = replace(weak, trend_db=-7.2)
    needed = cell_len(f"{screen.line(seen, None).plain}  -85 dBm")
    for width in range(48, 100):
        lines = shown(screen.line(seen, weak, width), width).splitlines()
        assert len(lines) == 1 + (width < needed)
        assert "-85 dBm" in lines[-1]
        first, *others = shown(screen.line(seen, weaker, width), width).splitlines()
        assert first.startswith("00:00:00  room of kettle")
        assert all(other.startswith(" " * 10) for other in others)
    wide = screen.line(seen, weak).plain
    assert "▂ -85 dBm" in wide
