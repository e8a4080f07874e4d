"""The home on the air: frames that the production decoder reads back, prompts and losses."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest

from drivers.ble import BleAdapter, RawAdvert
from drivers.ble.bthome import UUID16
from drivers.guard import CounterGuard
from rules.command import Signal
from rules.errors import FrameError
from rules.observation import DeviceId, Phenomenon, Press, Value
from rules.wire import KeyedDevice, Observed
from sim.air.home import VirtualHome
from sim.air.told import Ask, CaughtUp, Message, Ready, Told, What, from_line, to_line
from sim.ble.ether import OPEN_FIELD, Ether, Plan, Receiver
from sim.ble.frame import ORIGIN, Frame, read
from sim.clock import UPTIME_US
from sim.homes.act import Absence, Act
from sim.homes.dwelling import ROOMS, Installed, dwelling
from sim.homes.inhabitants import Inhabitants
from sim.homes.names import KETTLE, LIVING_NODE, SOS_BUTTON
from sim.homes.population import DEMO, home
from sim.recordings.recorded import survey
from sim.recordings.recording import Recording

SEOUL = ZoneInfo("Asia/Seoul")
KST = timezone(timedelta(hours=9))
START = datetime(2026, 11, 22, 3, tzinfo=SEOUL)
HOUR = timedelta(hours=1)
BTHOME = "0000fcd2-0000-1000-8000-00805f9b34fb"


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
    """An antenna near a home, and the production decoder behind it."""

    def __init__(self, tmp_path: Path, installed: tuple[Installed, ...], plan: Plan) -> None:
        self.told: list[Told] = []
        self.frames: list[tuple[str, bytes]] = []
        self.observed: list[Observed] = []
        self._ether = Ether(Random(9), {"antenna": Receiver()}, plan)
        self._adapter = BleAdapter(CounterGuard(tmp_path / "marks"))
        self._adapter.set_devices(KeyedDevice(one.device, one.key) for one in installed)

    def listen(self, home: VirtualHome, until: datetime) -> None:
        while home.next_due() <= until:
            for frame in home.emit(until):
                for _, rssi_dbm in self._ether.spread(frame):
                    self._hear(frame, rssi_dbm, home.moment)

    def _hear(self, frame: Frame, rssi_dbm: int, at: datetime) -> None:
        data = read(frame.data).service_data[BTHOME]
        self.frames.append((frame.address, data))
        boottime_us = UPTIME_US + (at - START) // timedelta(microseconds=1)
        advert = RawAdvert(frame.address, UUID16, data, rssi_dbm, boottime_us)
        for seen in self._adapter.receive(advert, at):
            assert isinstance(seen, Observed), seen
            self.observed.append(seen)

    def values(self, device: DeviceId, phenomenon: Phenomenon) -> list[tuple[datetime, Value]]:
        return [
            (START + timedelta(microseconds=seen.boottime_us - UPTIME_US), seen.value)
            for seen in self.observed
            if seen.device == device and seen.phenomenon is phenomenon
        ]


def _live(
    tmp_path: Path,
    occupant: Scripted | Inhabitants | Recording,
    span: timedelta,
    *,
    installed: tuple[Installed, ...] | None = None,
    plan: Plan = OPEN_FIELD,
    absences: Iterable[Absence] = (),
    commands: Iterable[tuple[timedelta, Signal]] = (),
) -> Listener:
    installed = installed or dwelling(Random(7), ROOMS["ko"])
    listener = Listener(tmp_path, installed, plan)
    home = VirtualHome(
        installed,
        occupant,
        now=START,
        random=Random(8),
        zone=SEOUL,
        tell=listener.told.append,
        place=lambda _: ORIGIN,
    )
    for absence in absences:
        home.befall(absence)
    for after, signal in commands:
        listener.listen(home, START + after)
        home.signalled(LIVING_NODE, signal, START + after)
    end = START + span
    listener.listen(home, end)
    assert home.caught_up(end) == CaughtUp(end, occupant.next_by_hand(end))
    return listener


def _kettle(at: datetime) -> list[Act]:
    off = at + timedelta(minutes=4)
    return [
        Act(at, KETTLE, Phenomenon.POWER_W, 1850.0, at),
        Act(off, KETTLE, Phenomenon.POWER_W, 0.0, at),
    ]


def test_what_happens_is_decoded_at_its_moment(tmp_path: Path) -> None:
    at = START + 10 * HOUR + timedelta(microseconds=123_456)
    listener = _live(tmp_path, Scripted(_kettle(at)), 12 * HOUR)
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


def test_every_device_keeps_its_contract(tmp_path: Path) -> None:
    installed = dwelling(Random(7), ROOMS["en"])
    listener = _live(tmp_path, Scripted([]), 24 * HOUR, installed=installed)
    for one in installed:
        times = [seen.boottime_us for seen in listener.observed if seen.device == one.device.id]
        times = [UPTIME_US, *sorted(set(times)), UPTIME_US + 24 * 3_600_000_000]
        longest = max(later - earlier for earlier, later in pairwise(times))
        assert longest <= one.device.report_every / timedelta(microseconds=1)


def test_a_frame_is_never_sent_twice_under_another_counter(tmp_path: Path) -> None:
    inhabited = home(1, 1, START, DEMO)
    listener = _live(tmp_path, Inhabitants(inhabited), 30 * HOUR, installed=inhabited.installed)
    frames = listener.frames
    counters = [(address, data[-8:-4]) for address, data in frames]
    assert len(set(frames)) == len(set(counters))
    assert len(set(frames)) < len(frames)  # Changes are adverted more than once.


def test_a_state_from_before_is_reported_as_it_is(tmp_path: Path) -> None:
    before = START - HOUR
    listener = _live(
        tmp_path, Scripted([Act(before, KETTLE, Phenomenon.POWER_W, 900.0, before)]), HOUR
    )
    assert {value for _, value in listener.values(KETTLE, Phenomenon.POWER_W)} == {900.0}


def test_after_a_collapse_only_machines_and_reports_go_on(tmp_path: Path) -> None:
    collapse = START + 5 * HOUR
    before, during, after = (START + hours * HOUR for hours in (4.97, 6, 9))
    listener = _live(
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


def test_a_well_resident_answers_a_prompt_by_the_button(tmp_path: Path) -> None:
    commands = [(HOUR, Signal.PROMPT), (HOUR, Signal.PROMPT), (2 * HOUR, Signal.OFF)]
    listener = _live(tmp_path, Scripted([]), 3 * HOUR, commands=commands)
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
def test_who_cannot_hear_it_does_not_answer(tmp_path: Path, why: str) -> None:
    listener = _live(
        tmp_path,
        Scripted([], home=why != "out"),
        3 * HOUR,
        absences=[Absence(START)] if why == "collapsed" else [],
        commands=[(HOUR, Signal.PROMPT)],
    )
    assert listener.values(LIVING_NODE, Phenomenon.BUTTON) == []


def test_lost_copies_are_made_up_for_by_the_others(tmp_path: Path) -> None:
    acts = [
        Act(START + n * HOUR, SOS_BUTTON, Phenomenon.SOS, value=True, hand=START + n * HOUR)
        for n in range(1, 41)
    ]
    plan = replace(OPEN_FIELD, loss=0.2)
    listener = _live(tmp_path, Scripted(acts), 42 * HOUR, plan=plan)
    assert 38 <= len(listener.values(SOS_BUTTON, Phenomenon.SOS)) <= 40


def test_a_recording_decodes_back_to_its_events(tmp_path: Path) -> None:
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
    listener = _live(tmp_path, recording, 8 * HOUR, installed=recording.installed)
    seen = {
        (START + timedelta(microseconds=one.boottime_us - UPTIME_US), one.phenomenon, one.value)
        for one in listener.observed
    }
    for at, _, _, _, phenomenon, value in lines:
        moment = datetime.fromisoformat(f"2026-11-22T{at}").replace(tzinfo=KST)
        assert (moment, phenomenon, value) in seen
    assert listener.told[-1].what is What.OVER
    assert recording.installed[0].device.room == "Bedroom"


def test_a_day_is_summed_up_at_midnight(tmp_path: Path) -> None:
    listener = _live(tmp_path, Scripted(_kettle(START + HOUR)), 30 * HOUR)
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
        CaughtUp(START.astimezone(UTC), None),
        CaughtUp(START.astimezone(UTC), START.astimezone(UTC), {KETTLE: START.astimezone(UTC)}, 2),
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
