"""What the BLE driver costs and how soon it hears again, on the virtual BlueZ.

    python -m benchmarks.ble [--json] [--soak SECONDS] [--no-recovery]

Load: fifty keyed plugs send a thousand new, encrypted adverts a second over D-Bus to
`ongi driver ble`, and every observation is read at the gateway's end. The floor is a process that
reads the same signals with dbus-fast and does nothing. Recovery: the time from each fault, or from
its end where there is one, to the next advert, with the timing that is used in homes; the floor
of a silence is the 15 s that it takes to be one. All on one machine: the senders, the virtual
BlueZ and the bus have their processors too.
"""

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Final

from drivers.ble.bthome import UUID16, mac_of
from drivers.ble.keeper import Policy, RadioState
from drivers.ble.radio import BluezRadio
from drivers.clock import SystemClock
from rules.device import Device, Link
from rules.errors import LinkLost
from rules.observation import DeviceId, Phenomenon
from rules.wire import MAX_BYTES, Devices, KeyedDevice, Observed, decode, encode
from sim.air import bthome
from sim.ble.bluez import Bluez, Until
from sim.ble.bus import ENVIRONMENT, PrivateBus, private_bus
from sim.ble.frame import Frame, flags, manufacturer, service_data

_ADAPTER: Final = "00:1A:7D:DA:71:11"
_KEY: Final = bytes(range(16))
_PLUGS: Final = 50
_RATE: Final = 1000
_POWER: Final = 0x0B
_TURN_S: Final = 0.02
_BURST_MAX: Final = 30
"In a turn, when it is late: dbus-fast gives up a connection whose socket is full."
_MEASURED_S: Final = 20.0
_CROWD: Final = 5000
_CROWD_RATE: Final = 400
_SETTLES_S: Final = 3.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_MIB: Final = 1 << 20
_CHATTER_S: Final = 65.0
"After so long of hearing, silence is known to be none."
_GIVES_UP_S: Final = 150.0


def _plugs() -> list[KeyedDevice]:
    return [
        KeyedDevice(
            Device(
                DeviceId(f"plug{number}"),
                Link.BLE,
                f"C0:DE:CC:00:00:{number:02X}",
                "plug node",
                "room",
                frozenset({Phenomenon.POWER_W}),
                timedelta(minutes=5),
                keyed=True,
            ),
            _KEY,
        )
        for number in range(_PLUGS)
    ]


@dataclass
class _Plugs:
    """Senders: each advert is a new value of the next plug."""

    bluez: Bluez
    sent: int = 0
    _counters: list[int] = field(default_factory=lambda: [0] * _PLUGS)

    async def send(self, rate: int, for_s: float) -> None:
        """`rate` adverts a second in turns; what is late is made up for."""
        loop = asyncio.get_running_loop()
        begin_s, done = loop.time(), 0
        while (passed_s := loop.time() - begin_s) < for_s:
            for _ in range(min(int(passed_s * rate) - done, _BURST_MAX)):
                self.one(done % _PLUGS)
                done += 1
            await asyncio.sleep(_TURN_S)

    def one(self, number: int) -> None:
        self._counters[number] += 1
        counter = self._counters[number]
        address = f"C0:DE:CC:00:00:{number:02X}"
        mac = mac_of(address)
        assert mac is not None
        data = bthome.encode_object(_POWER, counter % 100_000 / 10)
        sealed = bthome.sealed(data, mac, _KEY, counter)
        self.bluez.hear(_ADAPTER, Frame(address, flags() + service_data(UUID16, sealed)), -60)
        self.sent += 1


@asynccontextmanager
async def _virtual(*, experimental: bool = True) -> AsyncIterator[tuple[PrivateBus, Bluez, Path]]:
    with tempfile.TemporaryDirectory(prefix="ongi-") as name:
        folder = Path(name)
        async with private_bus(folder) as bus, asyncio.TaskGroup() as group:
            os.environ[ENVIRONMENT] = bus.address
            bluez = Bluez(bus.address, {_ADAPTER: 0}, experimental=experimental)
            serving = group.create_task(bluez.run())
            await bluez.up.wait()
            try:
                yield bus, bluez, folder
            finally:
                serving.cancel()


class _Process:
    """A child, by what /proc says of it."""

    def __init__(self, arguments: list[str]) -> None:
        self._child = subprocess.Popen([sys.executable, *arguments], stderr=subprocess.DEVNULL)

    @property
    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self._child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def rss_mib(self) -> float:
        pages = int(Path(f"/proc/{self._child.pid}/statm").read_text().split()[1])
        return round(pages * os.sysconf("SC_PAGE_SIZE") / _MIB, 1)

    async def end(self) -> None:
        # Beside the loop: it stops its scan at a service that is here.
        self._child.terminate()
        await asyncio.to_thread(self._child.wait, 10)


@dataclass
class _Gateway:
    """Counts what the driver says, on a real socket."""

    path: Path
    observed: int = 0

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        kind = socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK
        with socket.socket(socket.AF_UNIX, kind) as listener:
            listener.bind(str(self.path))
            listener.listen(1)
            driver, _ = await loop.sock_accept(listener)
            with driver:
                await loop.sock_recv(driver, MAX_BYTES)
                await loop.sock_sendall(driver, encode(Devices(tuple(_plugs()))))
                while packet := await loop.sock_recv(driver, MAX_BYTES):
                    message = decode(packet)
                    power = isinstance(message, Observed) and (
                        message.phenomenon is Phenomenon.POWER_W
                    )
                    self.observed += power


async def _until(condition: Callable[[], object], within_s: float) -> float:
    """How long it took; infinite if it was not to be."""
    loop = asyncio.get_running_loop()
    begin_s = loop.time()
    while not condition():
        if loop.time() - begin_s > within_s:
            return float("inf")
        await asyncio.sleep(0.01)
    return loop.time() - begin_s


# ----------------------------------------------------------------------------------------- load


async def _load(for_s: float, say: Callable[[str], None]) -> dict[str, object]:
    """The driver under load: processor, memory over time, what was lost."""
    async with _virtual() as (_, bluez, folder), asyncio.TaskGroup() as group:
        gateway = _Gateway(folder / "driver.sock")
        serving = group.create_task(gateway.run())
        state = folder / "drivers"
        arguments = ["ongi.py", "driver", "ble", "--socket", str(gateway.path)]
        process = _Process([*arguments, "--state", str(state)])
        plugs = _Plugs(bluez)
        try:
            await _until(lambda: bluez.scanning(_ADAPTER), 20)
            await asyncio.sleep(_SETTLES_S)
            idle_mib = process.rss_mib
            await plugs.send(_RATE, _SETTLES_S)
            await asyncio.sleep(1)
            sent, observed, cpu_s = plugs.sent, gateway.observed, process.cpu_s
            over_time = []
            for turn in range(max(1, round(for_s / _MEASURED_S))):
                await plugs.send(_RATE, _MEASURED_S)
                over_time.append(process.rss_mib)
                say(f"{(turn + 1) * _MEASURED_S:.0f} s: {process.rss_mib} MiB")
            await asyncio.sleep(1)
            sent, observed = plugs.sent - sent, gateway.observed - observed
            cpu_s = process.cpu_s - cpu_s
        finally:
            await process.end()
            serving.cancel()
    return {
        "adverts": sent,
        "lost": sent - observed,
        "cpu_ms_per_1000": round(cpu_s * 1e6 / sent, 1),
        "rss_mib_idle": idle_mib,
        "rss_mib": over_time,
    }


async def _floor() -> dict[str, object]:
    """A process that only reads the signals."""
    async with _virtual() as (_, bluez, _folder):
        process = _Process(["-m", "benchmarks.ble_reader"])
        plugs = _Plugs(bluez)
        try:
            await _until(lambda: bluez.scanning(_ADAPTER), 20)
            await plugs.send(_RATE, _SETTLES_S)
            sent, cpu_s = plugs.sent, process.cpu_s
            await plugs.send(_RATE, _MEASURED_S)
            sent, cpu_s = plugs.sent - sent, process.cpu_s - cpu_s
            return {
                "cpu_ms_per_1000": round(cpu_s * 1e6 / sent, 1),
                "rss_mib": process.rss_mib,
            }
        finally:
            await process.end()


async def _crowd(*, experimental: bool, for_s: float = 28.0) -> float:
    """Memory with five thousand strangers around, whose addresses change, in MiB.

    In a quiet home, so that the driver probes; and shorter than BlueZ takes to forget a stranger.
    """
    random = Random(5)
    async with _virtual(experimental=experimental) as (_, bluez, folder):
        socket_, state = folder / "driver.sock", folder / "drivers"
        arguments = ["ongi.py", "driver", "ble", "--socket", str(socket_)]
        process = _Process([*arguments, "--state", str(state)])
        try:
            await _until(lambda: bluez.scanning(_ADAPTER), 20)
            loop = asyncio.get_running_loop()
            begin_s, done = loop.time(), 0
            addresses = [random.randbytes(6).hex(":").upper() for _ in range(_CROWD)]
            while (passed_s := loop.time() - begin_s) < for_s:
                for _ in range(min(int(passed_s * _CROWD_RATE) - done, _BURST_MAX)):
                    # One in twenty has a new address each time.
                    number = done % _CROWD
                    if random.random() < 0.05:
                        addresses[number] = random.randbytes(6).hex(":").upper()
                    data = flags() + manufacturer(0x004C, b"\x10\x05" + random.randbytes(5))
                    bluez.hear(_ADAPTER, Frame(addresses[number], data), -80)
                    done += 1
                await asyncio.sleep(_TURN_S)
            return process.rss_mib
        finally:
            await process.end()


# ------------------------------------------------------------------------------------- recovery


@dataclass
class _Ear:
    """The production radio, in this process, with the timing of homes."""

    bus: PrivateBus
    bluez: Bluez
    radio: BluezRadio
    heard: int = 0

    async def listen(self) -> None:
        async for one in self.radio.adverts():
            self.heard += not isinstance(one, RadioState)

    async def hears(self) -> float:
        await asyncio.sleep(0.02)
        before = self.heard
        return round(await _until(lambda: self.heard > before + 2, _GIVES_UP_S), 2)


async def _restart(ear: _Ear) -> float:
    await ear.bluez.restart(2.0)
    return await ear.hears()


async def _unplug(ear: _Ear) -> float:
    ear.bluez.unplug(_ADAPTER)
    await asyncio.sleep(20)
    ear.bluez.plug(_ADAPTER, 0)
    return await ear.hears()


async def _unplug_other(ear: _Ear) -> float:
    ear.bluez.unplug(_ADAPTER)
    await asyncio.sleep(3)
    ear.bluez.plug(_ADAPTER, 1)
    return await ear.hears()


async def _frozen(ear: _Ear) -> float:
    ear.bluez.freeze(_ADAPTER, Until.RESCAN)
    return await ear.hears()


async def _stuck(ear: _Ear) -> float:
    await asyncio.sleep(_CHATTER_S)
    ear.bluez.freeze(_ADAPTER, Until.POWER)
    return await ear.hears()


async def _hanging(ear: _Ear) -> float:
    ear.bluez.hang(1)
    await ear.bluez.restart(0.5)
    return await ear.hears()


async def _in_progress(ear: _Ear) -> float:
    ear.bluez.in_progress(6)
    await ear.bluez.restart(0.5)
    return await ear.hears()


async def _bus_killed(ear: _Ear) -> float:
    await ear.bus.kill()
    await asyncio.sleep(3)
    await ear.bus.start()
    await ear.bluez.up.wait()
    return await ear.hears()


_FAULTS: Final[dict[str, tuple[Callable[[_Ear], Awaitable[float]], float]]] = {
    # The fault, and what no recovery can be sooner than.
    "bluetoothd_restarted": (_restart, 0.0),
    "adapter_back": (_unplug, 0.0),
    "adapter_back_as_hci1": (_unplug_other, 0.0),
    "silent_until_rescan": (_frozen, Policy().silence_s),
    "stuck_until_power_cycle": (_stuck, Policy().silence_s + Policy().probe_s),
    "register_monitor_hangs": (_hanging, 0.0),
    "in_progress_six_times": (_in_progress, 0.0),
    "bus_killed": (_bus_killed, 0.0),
}


async def _recovery(name: str) -> float:
    """Seconds until it hears again."""
    async with _virtual() as (bus, bluez, _), asyncio.TaskGroup() as group:
        radio = BluezRadio(SystemClock().boottime_us)
        radio.set_devices(_plugs())
        ear = _Ear(bus, bluez, radio)
        tasks = [
            group.create_task(radio.run()),
            group.create_task(ear.listen()),
            group.create_task(_Plugs(bluez).send(50, 1e9)),
        ]
        try:
            await ear.hears()
            return await _FAULTS[name][0](ear)
        finally:
            for task in tasks:
                task.cancel()


def _recoveries() -> dict[str, dict[str, float]]:
    """All faults at the same time, each in a process of its own."""
    running = {
        name: subprocess.Popen(
            [sys.executable, "-m", "benchmarks.ble", "--fault", name],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for name in _FAULTS
    }
    return {
        name: {"s": float(process.communicate()[0]), "floor_s": _FAULTS[name][1]}
        for name, process in running.items()
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ble", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object, nothing else")
    parser.add_argument("--soak", type=float, default=_MEASURED_S, metavar="SECONDS")
    parser.add_argument("--no-recovery", action="store_true")
    parser.add_argument("--fault", choices=list(_FAULTS), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.fault:
        with suppress(LinkLost):
            print(asyncio.run(_recovery(asked.fault)))
        return 0

    def say(what: str) -> None:
        if not asked.json:
            print(what, file=sys.stderr, flush=True)

    say("the floor, 23 s")
    floor = asyncio.run(_floor())
    say(f"{_RATE} adverts a second, {asked.soak:.0f} s")
    figures: dict[str, object] = {"load": asyncio.run(_load(asked.soak, say)), "floor": floor}
    say(f"{_CROWD} strangers, 60 s")
    figures["rss_mib_among_5000"] = {
        "passive": asyncio.run(_crowd(experimental=True)),
        "active": asyncio.run(_crowd(experimental=False)),
    }
    if not asked.no_recovery:
        say("eight faults, 90 s")
        figures["recovery"] = _recoveries()
    print(json.dumps(figures, indent=None if asked.json else 2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
