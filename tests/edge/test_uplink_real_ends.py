"""The uplink between the real journal and the real center, over a bad link."""

import asyncio
from pathlib import Path

import pytest

from central.cases import Which
from edge.journal import Journal
from edge.outbox import OutboxRow
from protocol.identity import GatewayIdentity
from protocol.records import encode, record_of, sign, uuid7
from rules.alarm import AlarmKey, AlarmKind
from rules.events import Escalated
from rules.observation import DeviceId
from rules.sentence import Say, sentence
from sim.rig.badnet import BadNet
from tests.central.receiving import enrol, identity, opened, serving
from tests.support.center import free_port
from tests.support.outbox import MOMENT
from tests.support.uplink import Heard, make_uplink, running, until

pytestmark = pytest.mark.wall


def alarm(journal: Journal, who: GatewayIdentity, serial: int) -> None:
    """An SOS as the gateway makes it: event and outbox row in one transaction."""
    event = Escalated(
        MOMENT,
        serial,
        AlarmKey(AlarmKind.SOS, DeviceId(f"button-{serial}")),
        1,
        (sentence(Say.SOS_PRESSED, at=MOMENT, room="침실"),),
        "침실",
        b"",
    )
    record = record_of(
        event,
        id=uuid7(1_800_000_000_000, serial.to_bytes(10, "big")),
        gateway=who.gateway,
        boot=1,
        monotonic_ms=serial,
        time_trusted=False,
    )
    signed = sign(encode(record), who.private_key(), who.sender_id)
    journal.append([event], [OutboxRow(record.id, serial, 0, signed)], MOMENT)


async def stored(data: Path) -> list[int]:
    async with opened(data) as store:
        cases = await store.cases(state=Which.ALL, limit=500)
    return sorted(int((case.scope or "-0").rpartition("-")[2]) for case in cases)


async def test_restarts_of_both_ends_on_a_bad_link_lose_and_double_nothing(
    tmp_path: Path,
) -> None:
    who = identity()
    data, port = tmp_path / "center", free_port()
    async with serving(data):
        await enrol(data, who)
    net = BadNet(
        ("127.0.0.1", port), loss=0.15, duplicate=0.1, delay_s=0.02, rebind_s=0.5, seed=8613
    )
    serial = 0
    async with net:
        for _ in range(3):
            journal = Journal.open(tmp_path / "home" / "journal.sqlite", MOMENT)
            uplink = make_uplink(journal, net.port, Heard(), identity=who)
            async with serving(data, coap_port=port, interval_s=1), running(uplink):
                for _ in range(12):
                    serial += 1
                    alarm(journal, who, serial)
                    uplink.notify()
                    await asyncio.sleep(0.03)
            journal.close()
        journal = Journal.open(tmp_path / "home" / "journal.sqlite", MOMENT)
        async with (
            serving(data, coap_port=port, interval_s=1),
            running(make_uplink(journal, net.port, Heard(), identity=who)),
        ):
            await until(lambda: journal.depth() == 0, seconds=30)
        journal.close()
    assert await stored(data) == list(range(1, serial + 1))


async def test_a_center_without_its_newest_data_gets_them_again(tmp_path: Path) -> None:
    who = identity()
    data, port = tmp_path / "center", free_port()
    async with serving(data):
        await enrol(data, who)
    journal = Journal.open(tmp_path / "home" / "journal.sqlite", MOMENT)
    heard = Heard()
    uplink = make_uplink(journal, port, heard, identity=who)
    async with running(uplink):
        async with serving(data, coap_port=port, interval_s=1):
            alarm(journal, who, 1)
            uplink.notify()
            await until(lambda: journal.depth() == 0)
        backup = (data / "center.sqlite").read_bytes()
        async with serving(data, coap_port=port, interval_s=1):
            for serial in range(2, 9):
                alarm(journal, who, serial)
            uplink.notify()
            await until(lambda: journal.depth() == 0)
        for each in data.glob("center.sqlite*"):
            each.unlink()
        (data / "center.sqlite").write_bytes(backup)
        assert await stored(data) == [1]
        heard.delivered.clear()
        async with serving(data, coap_port=port, interval_s=1):
            await until(lambda: len(heard.delivered) == 7, seconds=30)
    journal.close()
    assert await stored(data) == list(range(1, 9))
