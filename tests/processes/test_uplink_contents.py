"""What leaves the house, datagram by datagram: nothing but what its alarms are about."""

import asyncio
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import pytest
from aiocoap.message import Message
from aiocoap.numbers.codes import EMPTY, POST
from aiocoap.numbers.optionnumbers import OptionNumber
from aiocoap.oscore import verify_start

from edge.caller import called
from protocol.heartbeat import Heartbeat, decode_heartbeat
from protocol.identity import GatewayIdentity
from protocol.oscore import CenterContexts
from protocol.records import Record, decode, decode_batch
from protocol.signature import verify
from rules.alarm import AlarmKind
from rules.device import EvidenceRole, Link, Output
from rules.inputs import Drill
from rules.observation import BOOLEAN, Observation, Phenomenon, Press
from rules.sentence import Say, Sentence
from sim.ble.bus import ENVIRONMENT, private_bus
from sim.ble.world_flights import prepare
from sim.demo.folders import Folders
from sim.homes.household import household
from tests.processes.town import START, town
from tests.support.processes import Process, device, running
from texts import Language

pytestmark = [pytest.mark.processes, pytest.mark.once, pytest.mark.timeout(150)]

SEED = 5
RATE = 4_800.0
HOUR = timedelta(hours=1)
RULES = """
[rules.inactivity]
limits = ["2 h", "7 h"]
[rules.hazard]
temperature_hold = "0 s"
"""
Z = Link.ZIGBEE
METER = device(
    "meter",
    Phenomenon.POWER_W,
    Phenomenon.ENERGY_WH,
    Phenomenon.VOLTAGE_V,
    Phenomenon.CURRENT_A,
    Phenomenon.RELAY_ON,
    link=Z,
    evidence=EvidenceRole.NONE,
    outputs=frozenset({Output.SIREN}),
)
AIR = device(
    "air",
    Phenomenon.TEMPERATURE_C,
    Phenomenon.HUMIDITY_PCT,
    Phenomenon.CO_PPM,
    Phenomenon.ILLUMINANCE_LX,
    link=Z,
    evidence=EvidenceRole.NONE,
)
CELL = device(
    "cell",
    Phenomenon.LEAK,
    Phenomenon.BATTERY_PCT,
    Phenomenon.BATTERY_V,
    Phenomenon.TAMPER,
    Phenomenon.LINK_QUALITY,
    link=Z,
)
CALL = device("call", Phenomenon.SOS, Phenomenon.BUTTON, link=Z)
OURS = (METER, AIR, CELL, CALL)
"Beside the fourteen devices of the simulated home."

MEASURED = {
    (AlarmKind.CO, Say.CO_PPM): Phenomenon.CO_PPM,
    (AlarmKind.HEAT, Say.HEAT): Phenomenon.TEMPERATURE_C,
    (AlarmKind.COLD, Say.COLD): Phenomenon.TEMPERATURE_C,
    (AlarmKind.BATTERY_LOW, Say.BATTERY_LOW): Phenomenon.BATTERY_PCT,
}
"Where an alarm is about a measure, its sentence names that one."
ARGUMENTS: dict[str, type] = {
    **dict.fromkeys(("at", "since", "last"), datetime),
    **dict.fromkeys(("silence", "down", "every"), timedelta),
    **dict.fromkeys(("level", "levels", "dead", "devices", "lost", "missed"), int),
    **dict.fromkeys(("room", "device", "driver", "reason", "detail"), str),
}
"Of all other sentences; and `limit`, a span, and `phenomenon`, of inactivity alone."


INNER = {OptionNumber.URI_PATH, OptionNumber.CONTENT_FORMAT, OptionNumber.ECHO}


def our_day(hour: int) -> Iterator[tuple[str, Phenomenon, bool | float | Press]]:
    """What our own devices say in an hour: much, and now and then something that is an alarm."""
    yield "meter", Phenomenon.POWER_W, 1234.5 + hour
    yield "meter", Phenomenon.ENERGY_WH, 98765.25 + hour
    yield "meter", Phenomenon.VOLTAGE_V, 229.75 + hour / 100
    yield "meter", Phenomenon.CURRENT_A, 4.375 + hour / 100
    yield "meter", Phenomenon.RELAY_ON, hour % 2 == 0
    yield "air", Phenomenon.TEMPERATURE_C, {9: 41.75, 20: 3.25}.get(hour, 21.375 + hour / 100)
    yield "air", Phenomenon.HUMIDITY_PCT, 43.625 + hour / 100
    yield "air", Phenomenon.CO_PPM, {11: 321.5}.get(hour, 12.375 + hour / 100)
    yield "air", Phenomenon.ILLUMINANCE_LX, 777.125 + 31 * hour
    yield "cell", Phenomenon.BATTERY_PCT, 97.25 - hour if hour < 15 else 8.75
    yield "cell", Phenomenon.BATTERY_V, 2.9375 - hour / 100
    yield "cell", Phenomenon.LINK_QUALITY, -71.5 - hour / 10
    yield "cell", Phenomenon.TAMPER, hour == 13
    yield "cell", Phenomenon.LEAK, hour == 7
    if hour in {5, 18}:
        yield "call", Phenomenon.SOS, True
    if hour == 18:
        yield "call", Phenomenon.BUTTON, Press.LONG


def opened(datagrams: list[bytes], who: GatewayIdentity) -> Iterator[tuple[str, bytes]]:
    """Path and payload of every request, with the center's keys; fails on any open word."""
    entry = who.entry()
    contexts = CenterContexts({entry.kid: entry}.get, 0, lambda _: None, bytes(8))
    for datagram in dict.fromkeys(datagrams):
        outer = Message.decode(datagram)
        if outer.code is EMPTY:
            assert len(datagram) == 4
            continue
        assert outer.code is POST
        assert {option.number for option in outer.opt.option_list()} == {OptionNumber.OSCORE}
        context = contexts.find_oscore(verify_start(outer))
        if not context.recipient_replay_window.is_initialized():
            context.recipient_replay_window.initialize_empty()
        inner, _ = context.unprotect(outer)
        assert {option.number for option in inner.opt.option_list()} <= INNER
        (path,) = inner.opt.uri_path
        yield path, inner.payload


class Reader:
    """Reads strictly, and holds each value against what the house knows."""

    def __init__(self, who: GatewayIdentity, seen: list[Observation], rooms: set[str]) -> None:
        self.records: dict[bytes, Record] = {}
        self.beats: list[Heartbeat] = []
        self._who = who
        self._rooms = rooms
        self._values: dict[tuple[str | None, Phenomenon], set[float]] = {}
        for one in seen:
            if one.phenomenon not in BOOLEAN and not isinstance(one.value, Press):
                key = (str(one.device), one.phenomenon)
                self._values.setdefault(key, set()).add(float(one.value))
        self._devices = {str(one.device) for one in seen}
        assert len(self._values) > 12

    def read(self, path: str, payload: bytes) -> None:
        if path == "h":
            beat = decode_heartbeat(payload)
            assert beat.version == version("ongi")
            self.beats.append(beat)
            return
        assert path == "e"
        key = self._who.entry().verifying_key()
        for signed in decode_batch(payload):
            record = decode(verify(signed, lambda _: key)[1])
            self._check(record)
            self.records[record.id] = record

    def _check(self, record: Record) -> None:
        scope = record.scope or "drill"
        assert scope in {*self._devices, "drill"} or scope.startswith("driver:")
        assert record.room in {*self._rooms, ""}
        if record.activity:
            assert record.alarm is AlarmKind.INACTIVITY
            assert max(record.activity) <= 5
        for said in record.explanation:
            self._check_sentence(record, said)

    def _check_sentence(self, record: Record, said: Sentence) -> None:
        phenomenon = MEASURED.get((record.alarm, said.say))
        for name, value in said.arguments:
            if name == "value":
                # Of the very device and phenomenon that the alarm is about.
                assert phenomenon is not None, said
                assert value in self._values[record.scope, phenomenon], said
            elif name == "limit":
                assert isinstance(value, float if phenomenon else timedelta), said
            elif name == "phenomenon":
                assert record.alarm is AlarmKind.INACTIVITY
                assert isinstance(value, Phenomenon)
            else:
                assert type(value) is ARGUMENTS[name], said
            if isinstance(value, str) and name not in {"room", "device"}:
                self._no_value(value)

    def _no_value(self, text: str) -> None:
        """No number in a text is one that was measured."""
        numbers = {float(found) for found in re.findall(r"\d+\.\d+|\d{3,}", text)}
        assert not numbers & set().union(*self._values.values()), text


async def test_a_busy_day_tells_the_center_its_alarms_and_nothing_else(tmp_path: Path) -> None:
    flat = household(SEED, START, Language.KO, None).installed
    keys = {one.device.id: one.key for one in flat}
    devices = (*(one.device for one in flat), *OURS)
    simulated = ["--seed", str(SEED), "--start", START.isoformat(), "--language", "ko"]
    folders = Folders(tmp_path)
    folders.bluetooth.mkdir()
    prepare(folders.flights)
    seen: list[Observation] = []
    async with (
        private_bus(folders.bluetooth) as bus,
        town(tmp_path, RULES, devices=devices, home=folders.gateway, keys=keys, link=Z) as there,
    ):
        home, driver = (
            Process(
                ["-m", "sim", name, "--data", str(tmp_path), *arguments],
                tmp_path / f"{name}.log",
                **{ENVIRONMENT: bus.address},
            )
            for name, arguments in (("home", simulated), ("driver", []))
        )
        async with asyncio.TaskGroup() as tasks, running(home, driver):
            await there.status(
                lambda status: all(driver.connected for driver in status.plumbing.drivers)
            )
            watching = tasks.create_task(watch(there.site.control, seen))
            for hour in range(24):
                await there.pass_(HOUR, RATE)
                for one in our_day(hour):
                    there.driver.see(*one)
                if hour == 10:
                    async with called(there.site.control) as caller:
                        await caller.put(Drill("installer"))
            await there.status(lambda status: status.plumbing.outbox_depth == 0)
            watching.cancel()
        cases = await there.cases()

    reader = Reader(there.site.identity, seen, {device.room for device in devices})
    for path, payload in opened(there.net.seen, there.site.identity):
        reader.read(path, payload)
    # It was a day worth looking at, and nothing of it went another way.
    assert len(seen) > 1000
    assert {one.phenomenon for one in seen} > {Phenomenon.MOTION, Phenomenon.CONTACT_OPEN}
    assert {case.alarm for case in cases} >= {
        AlarmKind.TAMPER,
        AlarmKind.BATTERY_LOW,
        *(AlarmKind.SOS, AlarmKind.INACTIVITY, AlarmKind.LEAK),
        *(AlarmKind.CO, AlarmKind.HEAT, AlarmKind.COLD),
    }
    assert {case.id for case in cases} <= {id_.hex() for id_ in reader.records}
    assert len(reader.beats) > 3
    assert any(record.drill for record in reader.records.values())
    assert any(record.activity for record in reader.records.values())


async def watch(control: Path, seen: list[Observation]) -> None:
    """All that is observed in the house, as the gateway takes it in."""
    async with called(control) as caller:
        async for news in caller.watch(observations=True):
            if isinstance(news, Observation):
                seen.append(news)  # noqa: PERF401 -- until it is cancelled
