"""ESPHome proxies: what is heard by them, and what befalls them."""

import asyncio
import base64
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from aioesphomeapi.client import APIClient
from habluetooth import get_manager

from drivers.ble.keeper import Trouble
from rules.air import Proxy
from rules.observation import Phenomenon
from sim.ble.frame import Frame, flags, service_data
from tests.drivers.ble.proxied import BRISK, KEY, NOTICED_S, Hall, hall
from tests.drivers.home import Sensor

pytestmark = pytest.mark.wall

PROMPTLY_S = 0.7
ROOT = Path(__file__).parents[3]


def plug() -> Sensor:
    return Sensor("plug", frozenset({Phenomenon.POWER_W}))


# ------------------------------------------------------------------------------------ hearing


async def test_the_homes_own_are_heard_by_each_proxy_and_others_go_by(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sensor, stranger = plug(), Sensor("other", frozenset())
    async with hall(monkeypatch, tmp_path, sensor) as here:
        for name in ("hall", "kitchen", "attic"):
            await here.proxy(name)
        here.radio.set_proxies(here.known("hall", "kitchen", "attic"))
        await here.hears(sensor, "hall", "kitchen", "attic")
        here.say(stranger, 1.0)
        await here.hears(sensor, "hall", "kitchen", "attic")
        assert {advert.address for advert in here.heard} == {sensor.address}
        assert here.radio.heard > len(here.heard)
        (best, *_) = here.radio.receptions()
        assert best.source in here.proxies
        assert here.troubles("hall") == [None], "what an earlier run told is over"


@pytest.mark.parametrize("features", [1 | 32, 1 | 32 | 64], ids=["of 2024", "of 2025"])
async def test_a_proxy_that_does_not_connect_is_heard_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, features: int
) -> None:
    sensor = plug()
    async with hall(monkeypatch, tmp_path, sensor) as here:
        proxy = await here.proxy("hall")
        proxy.features = features
        here.radio.set_proxies(here.known("hall"))
        await here.hears(sensor, "hall")
        assert here.troubles("hall") == [None]
        assert not get_manager().async_current_scanners()


async def test_a_proxy_is_found_by_its_name_and_one_that_is_not_is_lost(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sensor = plug()
    async with hall(monkeypatch, tmp_path, sensor) as here:
        await here.proxy("hall")
        (known,) = here.known("hall")
        nowhere = Proxy("attic", "no name..at all", known.port, KEY)
        here.radio.set_proxies([replace(known, host="localhost"), nowhere])
        await here.hears(sensor, "hall")
        await here.until(lambda: here.troubles("attic") == [Trouble.LOST])


async def test_a_flood_of_strangers_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sensor, random = plug(), Random(1)
    async with hall(monkeypatch, tmp_path, sensor) as here:
        proxy = await here.proxy("hall")
        here.radio.set_proxies(here.known("hall"))
        await here.hears(sensor, "hall")
        before = here.radio.heard
        for number in range(5000):
            stranger = random.randbytes(6).hex(":").upper()
            sent = Frame(stranger, flags() + service_data(0xFCD2, b"@"), connectable=True)
            proxy.hear(sent, -80)
            if number % 500 == 0:
                await here.until(lambda n=number: here.radio.heard >= before + n - 100)  # type: ignore[misc]
        await here.until(lambda: here.radio.heard >= before + 5000)
        await here.hears(sensor, "hall")
        assert {advert.address for advert in here.heard} == {sensor.address}
        assert not list(get_manager().async_discovered_service_info(connectable=False))
        assert not list(get_manager().async_discovered_service_info(connectable=True))
        assert (proxy.dropped, here.radio.dropped) == (0, 0)


async def test_rubbish_in_the_homes_own_name_is_passed_on_or_left_out_and_never_fatal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sensor, random = plug(), Random(2)
    async with hall(monkeypatch, tmp_path, sensor) as here:
        proxy = await here.proxy("hall")
        here.radio.set_proxies(here.known("hall"))
        await here.hears(sensor, "hall")
        for _ in range(2000):
            proxy.hear(Frame(sensor.address, random.randbytes(random.randrange(32))), -200)
            if random.random() < 0.01:
                await asyncio.sleep(0.01)
        await here.hears(sensor, "hall")
        assert here.troubles("hall") == [None]


async def test_a_survey_hears_strangers_by_proxies_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sensor, stranger = plug(), Sensor("other", frozenset())
    async with hall(monkeypatch, tmp_path, sensor) as here:
        await here.proxy("hall")
        here.radio.set_proxies(here.known("hall"))
        await here.hears(sensor, "hall")
        await here.radio.survey(5.0)
        here.say(stranger, 1.0)
        await here.hears(sensor, "hall")
        found = {one.address: one.source for one in here.radio.sightings()}
        assert found == {sensor.address: "hall", stranger.address: "hall"}
        assert {advert.address for advert in here.heard} == {sensor.address}


# ------------------------------------------------------------------------------ coming, going


async def test_proxies_come_and_go_with_the_homes_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sensor = plug()
    async with hall(monkeypatch, tmp_path, sensor) as here:
        await here.proxy("hall")
        await here.proxy("kitchen")
        here.radio.set_proxies(here.known("hall", "kitchen"))
        await here.hears(sensor, "hall", "kitchen")
        before = here.proxies["hall"].served
        here.radio.set_proxies(here.known("hall"))
        await here.until(lambda: not here.proxies["kitchen"].subscribed)
        await here.hears(sensor, "hall")
        assert here.proxies["hall"].served == before, "what has not changed stays connected"
        here.radio.set_proxies([])
        await here.until(lambda: not here.proxies["hall"].subscribed)
        assert here.troubles("hall") == [None, None]


async def test_a_proxy_loses_its_power_and_the_others_hear_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sensor = plug()
    async with hall(monkeypatch, tmp_path, sensor) as here:
        proxy = await here.proxy("hall")
        await here.proxy("kitchen")
        here.radio.set_proxies(here.known("hall", "kitchen"))
        await here.hears(sensor, "hall", "kitchen")
        proxy.kill()
        await asyncio.sleep(BRISK.tell_s / 2)
        await here.hears(sensor, "kitchen")
        assert here.troubles("hall") == [None], "so short an absence is no fault"
        await here.until(lambda: here.troubles("hall") == [None, Trouble.LOST])
        await proxy.revive()
        assert await here.hears(sensor, "hall") < PROMPTLY_S
        assert here.troubles("hall") == [None, Trouble.LOST, None]
        assert here.troubles("kitchen") == [None]


@pytest.mark.parametrize("reaped_s", [0.1, 60.0], ids=["by the proxy", "by the driver"])
async def test_a_connection_that_is_half_open_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, reaped_s: float
) -> None:
    sensor = plug()
    async with hall(monkeypatch, tmp_path, sensor) as here:
        proxy = await here.proxy("hall", reaped_s=reaped_s)
        here.radio.set_proxies(here.known("hall"))
        await here.hears(sensor, "hall")
        proxy.half_open()
        await here.until(lambda: proxy.served == 2, NOTICED_S + PROMPTLY_S)
        assert here.troubles("hall") == [None]


async def test_a_proxy_that_babbles_is_begun_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sensor = plug()
    async with hall(monkeypatch, tmp_path, sensor) as here:
        proxy = await here.proxy("hall")
        here.radio.set_proxies(here.known("hall"))
        await here.hears(sensor, "hall")
        proxy.babble()
        await here.until(lambda: proxy.served == 2)
        await here.hears(sensor, "hall")
        assert here.troubles("hall") == [None]


async def test_a_place_that_a_dead_connection_keeps_is_asked_for_until_it_is_free(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sensor = plug()
    async with hall(monkeypatch, tmp_path, sensor) as here:
        proxy = await here.proxy("hall", reaped_s=NOTICED_S + BRISK.tell_s + 0.3)
        here.radio.set_proxies(here.known("hall"))
        await here.hears(sensor, "hall")
        proxy.half_open()
        await here.until(lambda: here.troubles("hall") == [None, Trouble.LOST])
        await here.hears(sensor, "hall")
        assert here.troubles("hall") == [None, Trouble.LOST, None]
        assert proxy.served == 2, "the same connection"


async def test_a_proxy_that_is_there_and_does_not_scan_is_told_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sensor = plug()
    async with hall(monkeypatch, tmp_path, sensor) as here:
        proxy = await here.proxy("hall")
        here.radio.set_proxies(here.known("hall"))
        await here.hears(sensor, "hall")
        proxy.scan(on=False)
        await here.until(lambda: here.troubles("hall") == [None, Trouble.LOST])
        proxy.scan(on=True)
        await here.until(lambda: here.troubles("hall") == [None, Trouble.LOST, None])


async def test_a_proxy_that_gives_its_adverts_to_another_is_told_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sensor = plug()
    async with hall(monkeypatch, tmp_path, sensor) as here:
        proxy = await here.proxy("hall")
        (known,) = here.known("hall")
        other = APIClient("127.0.0.1", proxy.port, noise_psk=base64.b64encode(KEY).decode())
        await other.connect()
        other.subscribe_bluetooth_le_raw_advertisements(lambda _: None)
        await here.until(lambda: proxy.subscribed)
        here.radio.set_proxies([known])
        await here.until(lambda: here.troubles("hall") == [Trouble.LOST])
        await other.disconnect()
        assert await here.hears(sensor, "hall") < PROMPTLY_S
        assert here.troubles("hall") == [Trouble.LOST, None]


# -------------------------------------------------------------------------------- who it is


async def refused(here: Hall, *proxies: Proxy) -> None:
    here.radio.set_proxies(proxies)
    took_s = await here.until(lambda: here.troubles("hall") == [Trouble.REFUSED])
    assert took_s < PROMPTLY_S, "at once"


async def test_another_key_is_told_at_once_and_over_when_it_fits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sensor = plug()
    async with hall(monkeypatch, tmp_path, sensor) as here:
        proxy = await here.proxy("hall", os.urandom(32))
        await refused(here, *here.known("hall"))
        proxy.key = KEY
        assert await here.hears(sensor, "hall") < PROMPTLY_S
        assert here.troubles("hall") == [Trouble.REFUSED, None]


async def test_a_proxy_without_encryption_is_never_heard(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sensor = plug()
    async with hall(monkeypatch, tmp_path, sensor) as here:
        proxy = await here.proxy("hall", None)
        await refused(here, *here.known("hall"))
        for _ in range(10):
            here.say(sensor, 1.0)
            await asyncio.sleep(0.02)
        assert not proxy.subscribed
        assert not here.heard


async def test_a_proxy_of_another_name_is_another_proxy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with hall(monkeypatch, tmp_path, plug()) as here:
        await here.proxy("kitchen")
        await refused(here, replace(here.known("kitchen")[0], name="hall"))


async def test_an_esphome_device_that_is_no_proxy_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with hall(monkeypatch, tmp_path, plug()) as here:
        proxy = await here.proxy("hall")
        proxy.features = 0
        await refused(here, *here.known("hall"))


class Stranger:
    """Whoever answers at a proxy's address: first bytes of a handshake, or any, and no key."""

    def __init__(self) -> None:
        self.met = 0
        self._random = Random(3)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        random = self._random
        await reader.read(100)
        self.met += 1
        hello = b"\x01hall\0aabbcc000001\0"
        for frame in [hello, random.randbytes(49), random.randbytes(9)][random.randrange(3) :]:
            length = len(frame) if random.random() < 0.8 else random.randrange(1 << 16)
            kind = 1 if random.random() < 0.9 else random.randrange(256)
            head = random.choice([0, 0, frame[0]])
            body = bytes([head]) + frame[1:] if frame is not hello else frame
            writer.write(bytes([kind]) + length.to_bytes(2, "big") + body)
        writer.close()


async def test_a_stranger_at_its_address_is_lost_or_refused_and_nothing_worse(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stranger = Stranger()
    server = await asyncio.start_server(stranger.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    hasty = replace(BRISK, retry_s=0.001, retry_s_max=0.001, refused_s=0.001, tell_s=0.2)
    async with hall(monkeypatch, tmp_path, plug(), policy=hasty) as here:
        here.radio.set_proxies([Proxy("hall", "127.0.0.1", port, KEY)])
        await here.until(lambda: stranger.met >= 300)
        assert Trouble.REFUSED in here.troubles("hall")
        assert None not in here.troubles("hall")
    server.close()


async def test_what_refused_and_then_is_gone_is_lost(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with hall(monkeypatch, tmp_path, plug()) as here:
        proxy = await here.proxy("hall", os.urandom(32))
        await refused(here, *here.known("hall"))
        proxy.kill()
        await here.until(lambda: here.troubles("hall") == [Trouble.REFUSED, Trouble.LOST])


# ------------------------------------------------------------------------------ what it takes


def test_a_home_without_proxies_does_not_load_what_they_need() -> None:
    code = "import sys, drivers.ble.radio; sys.exit('aioesphomeapi' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=60)


async def test_proxies_whose_program_is_not_installed_are_told_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delitem(sys.modules, "drivers.ble.proxy", raising=False)
    monkeypatch.setitem(sys.modules, "aioesphomeapi.client", None)
    async with hall(monkeypatch, tmp_path, plug()) as here:
        await here.proxy("hall")
        here.radio.set_proxies(here.known("hall"))
        await here.until(lambda: here.troubles("hall") == [Trouble.LOST])
        here.radio.set_proxies([])
        await here.until(lambda: here.troubles("hall") == [Trouble.LOST, None])
