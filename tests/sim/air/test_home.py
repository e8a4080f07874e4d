"""The home on the air: frames that the production decoder reads back, prompts and losses."""

import asyncio
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest

from drivers.ble import BleAdapter, RawAdvert
from drivers.guard import CounterGuard
from rules.command import Command, Refusal, Signal
from rules.device import Output
from rules.errors import FrameError
from rules.observation import DeviceId, Phenomenon, Press, Value
from rules.wire import KeyedDevice, Observed
from sim.air.home import VirtualHome
from sim.air.told import Ask, Message, Ready, Told, What, from_line, to_line
from sim.air.transmitter import Air
from sim.clock import UPTIME_US, ManualClock
from sim.homes.act import Absence, Act
from sim.homes.dwelling import ROOMS, Installed, dwelling
from sim.homes.inhabitants import Inhabitants
from sim.homes.names import FRONT_DOOR, KETTLE, LIVING_NODE, SOS_BUTTON
from sim.homes.population import DEMO, home
from sim.recordings.recorded import survey
from sim.recordings.recording import Recording

SEOUL = ZoneInfo("Asia/Seoul")
KST = timezone(timedelta(hours=9))
START = datetime(2026, 11, 22, 3, tzinfo=SEOUL)
CLEAR = Air(loss=0.0, copies=2)
HOUR = timedelta(hours=1)


class Scripted:
    """An occupant whose acts are given."""

    def __init__(self, acts: Iterable[Act], *, home: bool = True) -> None:
        self._acts = list(acts)
        self._home = home

    def acts(self) -> Iterator[Act]:
        return iter(self._acts)

    def at_home(self, moment: datetime) -> bool:
        return self._home and moment.tzinfo is not None

    def next_by_hand(self, moment: datetime) -> datetime | None:
        return next((act.hand for act in self._acts if act.hand and act.hand >= moment), None)


class Listener:
    """A home, and the production decoder behind it."""

    def __init__(
        self, tmp_path: Path, installed: tuple[Installed, ...], clock: ManualClock
    ) -> None:
        self.told: list[Told] = []
        self.adverts: list[RawAdvert] = []
        self.observed: list[Observed] = []
        self.clock = clock
        self._adapter = BleAdapter(CounterGuard(tmp_path / "marks"))
        self._adapter.set_devices(KeyedDevice(one.device, one.key) for one in installed)

    async def listen(self, home: VirtualHome) -> None:
        async for advert in home.adverts():
            self.adverts.append(advert)
            for seen in self._adapter.receive(advert, self.clock.now()):
                assert isinstance(seen, Observed), seen
                self.observed.append(seen)

    def values(self, device: DeviceId, phenomenon: Phenomenon) -> list[tuple[datetime, Value]]:
        return [
            (START + timedelta(microseconds=seen.boottime_us - UPTIME_US), seen.value)
            for seen in self.observed
            if seen.device == device and seen.phenomenon is phenomenon
        ]


async def _live(
    tmp_path: Path,
    occupant: Scripted | Inhabitants | Recording,
    span: timedelta,
    *,
    installed: tuple[Installed, ...] | None = None,
    air: Air = CLEAR,
    absences: Iterable[Absence] = (),
    commands: Iterable[tuple[timedelta, Command]] = (),
) -> Listener:
    installed = installed or dwelling(Random(7), ROOMS["ko"])
    clock = ManualClock(START)
    listener = Listener(tmp_path, installed, clock)
    home = VirtualHome(
        installed,
        occupant,
        clock=clock,
        random=Random(8),
        zone=SEOUL,
        tell=listener.told.append,
        air=air,
    )
    for absence in absences:
        home.befall(absence)
    devices = {one.device.id: one.device for one in installed}
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        task = group.create_task(listener.listen(home))
        await asyncio.sleep(0)
        for after, command in commands:
            await clock.move_to(START + after)
            assert await home.perform(command, devices[command.device]) is None
        await clock.move_to(START + span)
        assert home.caught_up() == Told(
            clock.now(), What.CAUGHT_UP, coming=occupant.next_by_hand(clock.now())
        )
        task.cancel()
    return listener


def _prompt(signal: Signal = Signal.PROMPT) -> Command:
    return Command(1, LIVING_NODE, Output.BUZZER, signal, START + HOUR)


def _kettle(at: datetime) -> list[Act]:
    off = at + timedelta(minutes=4)
    return [
        Act(at, KETTLE, Phenomenon.POWER_W, 1850.0, at),
        Act(off, KETTLE, Phenomenon.POWER_W, 0.0, at),
    ]


async def test_what_happens_is_decoded_at_its_moment(tmp_path: Path) -> None:
    at = START + 10 * HOUR + timedelta(microseconds=123_456)
    listener = await _live(tmp_path, Scripted(_kettle(at)), 12 * HOUR)
    switched = [
        (when, value)
        for (_, before), (when, value) in zip(
            [(at, 0.0), *listener.values(KETTLE, Phenomenon.POWER_W)],
            listener.values(KETTLE, Phenomenon.POWER_W),
            strict=False,
        )
        if before != value
    ]
    assert switched == [(at, 1850.0), (at + timedelta(minutes=4), 0.0)]


async def test_every_device_keeps_its_contract(tmp_path: Path) -> None:
    installed = dwelling(Random(7), ROOMS["en"])
    listener = await _live(tmp_path, Scripted([]), 24 * HOUR, installed=installed)
    for one in installed:
        times = [seen.boottime_us for seen in listener.observed if seen.device == one.device.id]
        times = [UPTIME_US, *sorted(set(times)), UPTIME_US + 24 * 3_600_000_000]
        longest = max(later - earlier for earlier, later in pairwise(times))
        assert longest <= one.device.report_every / timedelta(microseconds=1)


async def test_a_frame_is_never_sent_twice_under_another_counter(tmp_path: Path) -> None:
    inhabited = home(1, 1, START, DEMO)
    listener = await _live(
        tmp_path, Inhabitants(inhabited), 30 * HOUR, installed=inhabited.installed
    )
    frames = [(advert.address, advert.service_data) for advert in listener.adverts]
    counters = [(address, data[-8:-4]) for address, data in frames]
    assert len(set(frames)) == len(set(counters))
    assert len(set(frames)) < len(frames)  # Changes are adverted more than once.


async def test_a_state_from_before_is_reported_as_it_is(tmp_path: Path) -> None:
    before = START - HOUR
    listener = await _live(
        tmp_path, Scripted([Act(before, KETTLE, Phenomenon.POWER_W, 900.0, before)]), HOUR
    )
    assert {value for _, value in listener.values(KETTLE, Phenomenon.POWER_W)} == {900.0}


async def test_after_a_collapse_only_machines_and_reports_go_on(tmp_path: Path) -> None:
    collapse = START + 5 * HOUR
    before, during, after = (START + hours * HOUR for hours in (4.97, 6, 9))
    listener = await _live(
        tmp_path,
        Scripted([*_kettle(before), *_kettle(during), *_kettle(after)]),
        10 * HOUR,
        absences=[Absence(collapse), Absence(collapse, START + 8 * HOUR)],
    )
    rises = [at for at, value in listener.values(KETTLE, Phenomenon.POWER_W) if value]
    assert [at for at in rises if at in {before, during, after}] == [before, after]
    # What was begun by hand before ends by itself; reports go on.
    ends = [at for at, value in listener.values(KETTLE, Phenomenon.POWER_W) if not value]
    assert before + timedelta(minutes=4) in ends
    assert any(during < at < after for at in ends)
    assert [(told.what, told.at) for told in listener.told if told.what is not What.OVER] == [
        (What.COLLAPSED, collapse),
        (What.WELL_AGAIN, START + 8 * HOUR),
    ]


async def test_a_well_resident_answers_a_prompt_by_the_button(tmp_path: Path) -> None:
    commands = [(HOUR, _prompt()), (HOUR, _prompt()), (2 * HOUR, _prompt(Signal.OFF))]
    listener = await _live(tmp_path, Scripted([]), 3 * HOUR, commands=commands)
    ((at, press),) = listener.values(LIVING_NODE, Phenomenon.BUTTON)
    assert press is Press.SINGLE
    assert timedelta(seconds=3) < at - (START + HOUR) < timedelta(seconds=10)
    assert [told.what for told in listener.told if told.what is not What.OVER] == [
        What.SIGNAL,
        What.SIGNAL,
        What.ANSWERED,
        What.SIGNAL,
    ]


@pytest.mark.parametrize("why", ["collapsed", "out"])
async def test_who_cannot_hear_it_does_not_answer(tmp_path: Path, why: str) -> None:
    listener = await _live(
        tmp_path,
        Scripted([], home=why != "out"),
        3 * HOUR,
        absences=[Absence(START)] if why == "collapsed" else [],
        commands=[(HOUR, _prompt())],
    )
    assert listener.values(LIVING_NODE, Phenomenon.BUTTON) == []


async def test_only_what_a_device_has_can_be_commanded() -> None:
    installed = dwelling(Random(7), ROOMS["ko"])
    clock = ManualClock(START)
    home = VirtualHome(
        installed,
        Scripted([]),
        clock=clock,
        random=Random(8),
        zone=SEOUL,
        tell=lambda _: None,
        air=CLEAR,
    )
    door = next(one.device for one in installed if one.device.id == FRONT_DOOR)
    siren = Command(1, FRONT_DOOR, Output.SIREN, Signal.HAZARD, START)
    assert await home.perform(siren, door) is Refusal.UNSUPPORTED


async def test_lost_copies_are_made_up_for_by_the_others(tmp_path: Path) -> None:
    acts = [
        Act(START + n * HOUR, SOS_BUTTON, Phenomenon.SOS, value=True, hand=START + n * HOUR)
        for n in range(1, 41)
    ]
    air = Air(loss=0.3, copies=5)
    listener = await _live(tmp_path, Scripted(acts), 42 * HOUR, air=air)
    assert 38 <= len(listener.values(SOS_BUTTON, Phenomenon.SOS)) <= 40


async def test_a_recording_decodes_back_to_its_events(tmp_path: Path) -> None:
    lines = [
        ("06:30:00", "Bed/Bedroom", "pressure", "ON", Phenomenon.OCCUPANCY, True),
        ("07:00:00", "Bed/Bedroom", "pressure", "OFF", Phenomenon.OCCUPANCY, False),
        ("07:00:30", "Basin/Bathroom", "pir", "ON", Phenomenon.MOTION, True),
        ("07:00:40", "Basin/Bathroom", "pir", "OFF", Phenomenon.MOTION, False),
        ("07:10:00", "Fridge", "door", "OPEN", Phenomenon.CONTACT_OPEN, True),
        ("07:10:05", "Fridge", "door", "CLOSE", Phenomenon.CONTACT_OPEN, False),
        ("07:20:00", "Kettle", "plug_on", "1950.25", Phenomenon.POWER_W, 1950.25),
        ("07:24:00", "Kettle", "plug_off", "0.0", Phenomenon.POWER_W, 0.0),
        ("07:30:00", "Mains", "step", "1018.0", Phenomenon.POWER_W, 1018.0),
        ("07:31:00", "Mains", "step", "-866.0", Phenomenon.POWER_W, 866.0),
        ("08:00:00", "Meter", "hour_mean_W", "513.0", Phenomenon.POWER_W, 513.0),
        ("08:10:00", "Toilet", "flush", "ON", Phenomenon.OCCUPANCY, True),
    ]
    path = tmp_path / "home.csv"
    path.write_text(
        "timestamp,sensor,kind,value\n"
        + "".join(f"2026-11-22T{at},{','.join(rest)}\n" for at, *rest, _, _ in lines)
    )
    recording = Recording(path, KST, survey(path, KST), Random(1))
    listener = await _live(tmp_path, recording, 8 * HOUR, installed=recording.installed)
    seen = {
        (START + timedelta(microseconds=one.boottime_us - UPTIME_US), one.phenomenon, one.value)
        for one in listener.observed
    }
    for at, _, _, _, phenomenon, value in lines:
        moment = datetime.fromisoformat(f"2026-11-22T{at}").replace(tzinfo=KST)
        assert (moment, phenomenon, value) in seen
    assert listener.told[-1].what is What.OVER
    assert recording.installed[0].device.room == "Bedroom"


async def test_a_day_is_summed_up_at_midnight(tmp_path: Path) -> None:
    listener = await _live(tmp_path, Scripted(_kettle(START + HOUR)), 30 * HOUR)
    (day,) = [told for told in listener.told if told.what is What.DAY]
    assert (day.detail, day.count) == ("2026-11-22", 1)
    assert day.at == datetime(2026, 11, 23, tzinfo=SEOUL)


@pytest.mark.parametrize(
    "message",
    [
        Told(START.astimezone(UTC), What.DAY, "2026-11-22", 41),
        Absence(START.astimezone(UTC)),
        Absence(START.astimezone(UTC), (START + HOUR).astimezone(UTC)),
        Ready(5683, 8080),
        Ask(),
    ],
)
def test_messages_come_back_from_their_lines(message: Message) -> None:
    line = to_line(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert from_line(line) == message


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[]", b"{}", b'{"Told": {}}', b'{"Clock": {}}', b"\xff"]
)
def test_a_line_that_is_no_message_is_refused(line: bytes) -> None:
    with pytest.raises(FrameError):
        from_line(line)
