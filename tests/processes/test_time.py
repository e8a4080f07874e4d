"""A silence is as long as it is, whatever becomes of the gateway and of its machine's date."""

from datetime import timedelta
from pathlib import Path

import pytest

from rules.alarm import AlarmKind, AlarmState
from rules.command import Signal
from tests.processes.ends import set_machine
from tests.processes.town import CLOSE, MINUTE, Town, town
from tests.support.processes import eventually

pytestmark = [pytest.mark.processes, pytest.mark.timeout(120)]

DAYS = [timedelta(days=-14), timedelta(days=14)]
RULES = """
[rules.inactivity]
limits = ["30 min"]
prompt_wait = "10 min"
"""
LONG_RULES = """
[rules.inactivity]
limits = ["3 h"]
prompt = false
"""


def boot_min(there: Town) -> float:
    """Minutes since the machine was switched on."""
    return there.clock.boottime_us() / 60e6


async def escalated_at_limit(there: Town, since_min: float, limit_min: float) -> None:
    """One case, of inactivity, decided as long after `since_min` as the rules say."""
    case = await there.case(AlarmKind.INACTIVITY)
    assert [one.id for one in await there.cases()] == [case.id]
    silent_min = there.record(case).monotonic_ms / 60e3 - since_min
    assert limit_min - 0.1 <= silent_min <= limit_min + 1.1


async def asked(there: Town) -> None:
    """The prompt is due: it is carried out before its ten seconds of this fast clock are over."""
    await there.pass_(timedelta(seconds=1))

    async def ended() -> bool | None:
        return "CommandEnded" in there.gateway.said or None

    await eventually(ended)
    assert [one.command.signal for one in there.driver.orders] == [Signal.PROMPT]


@pytest.mark.parametrize("killed_min", [15, 25], ids=["silent", "asked"])
async def test_a_gateway_killed_within_a_silence_escalates_it_at_its_limit(
    tmp_path: Path, killed_min: int
) -> None:
    async with town(tmp_path, RULES) as there:
        await there.live()
        since, since_min = there.clock.now(), boot_min(there)
        for minute in sorted((20, killed_min)):
            await there.pass_to(since + minute * MINUTE)
            if minute == killed_min:
                await there.gateway.kill()
                await there.pass_(2 * MINUTE)
                await there.restart()
                assert abs(await there.left() - (28 - minute) * MINUTE) < CLOSE
            else:
                await asked(there)
        await there.pass_to(since + 29 * MINUTE)
        assert abs(await there.left() - MINUTE) < CLOSE
        assert not await there.cases()
        await there.pass_(2 * MINUTE)
        await escalated_at_limit(there, since_min, 30)


@pytest.mark.once
@pytest.mark.parametrize("off", DAYS, ids=["behind", "ahead"])
async def test_wrong_at_boot_and_set_later_it_fires_nothing_and_forgets_nothing(
    tmp_path: Path, off: timedelta
) -> None:
    async with town(tmp_path, RULES, off=off, source=None, down=True) as there:
        status = await there.live()
        assert abs(status.now - there.clock.now() - off) < CLOSE
        since_min = boot_min(there)
        await there.pass_(4 * MINUTE)
        await there.report()
        # A second run, wrong as well: it goes on from what was written last.
        await there.gateway.kill()
        await there.restart()
        await there.pass_(10 * MINUTE)
        assert not (await there.gateway.status()).time_trusted
        there.net.down = False
        status = await there.status(lambda status: status.time_trusted)
        assert status.plumbing.time_source == "center"
        assert abs(status.now - there.clock.now()) < CLOSE
        assert not status.alarms
        assert abs(await there.left() - 15 * MINUTE) < CLOSE
        await there.pass_(5 * MINUTE)
        await asked(there)
        await there.pass_(9 * MINUTE)
        assert abs(await there.left() - MINUTE) < CLOSE
        assert not await there.cases()
        await there.pass_(2 * MINUTE)
        await escalated_at_limit(there, since_min, 30)


@pytest.mark.once
@pytest.mark.parametrize("off", DAYS, ids=["behind", "ahead"])
async def test_at_a_boot_with_a_wrong_date_it_goes_on_from_what_it_knew(
    tmp_path: Path, off: timedelta
) -> None:
    async with town(tmp_path, LONG_RULES, down=True) as there:
        await there.live()
        since_min = boot_min(there)
        await there.pass_(29 * MINUTE)
        await there.report()
        await there.gateway.kill()
        set_machine(there.machine, off, None)
        await there.pass_(30 * MINUTE)
        await there.restart()
        status = await there.gateway.status()
        # The half hour without power is unknown to it, and so does not count yet.
        assert not status.time_trusted
        assert abs(status.now - (there.clock.now() - 30 * MINUTE)) < CLOSE
        assert abs(await there.left() - 150 * MINUTE) < CLOSE
        await there.pass_(30 * MINUTE)
        there.net.down = False
        status = await there.status(lambda status: status.time_trusted)
        assert abs(status.now - there.clock.now()) < CLOSE
        assert abs(await there.left() - 90 * MINUTE) < CLOSE
        await there.pass_(89 * MINUTE)
        assert not await there.cases()
        await there.pass_(2 * MINUTE)
        await escalated_at_limit(there, since_min, 180)


@pytest.mark.once
@pytest.mark.parametrize("off", DAYS, ids=["back", "on"])
async def test_a_date_that_jumps_by_ntp_and_back_by_the_center_fires_nothing(
    tmp_path: Path, off: timedelta
) -> None:
    async with town(tmp_path, LONG_RULES, down=True) as there:
        await there.live()
        since_min = boot_min(there)
        await there.pass_(30 * MINUTE)
        set_machine(there.machine, off, "ntp")
        await there.pass_(40 * MINUTE)
        status = await there.status(
            lambda status: abs(status.now - there.clock.now() - off) < CLOSE
        )
        assert not status.alarms
        assert abs(await there.left() - 110 * MINUTE) < CLOSE
        await there.pass_(50 * MINUTE)
        there.net.down = False
        status = await there.status(lambda status: status.plumbing.time_source == "center")
        assert abs(status.now - there.clock.now()) < CLOSE
        assert abs(await there.left() - 60 * MINUTE) < CLOSE
        await there.pass_(59 * MINUTE)
        assert not (await there.gateway.status()).alarms
        await there.pass_(2 * MINUTE)
        await escalated_at_limit(there, since_min, 180)


async def test_a_date_that_jumps_is_no_news_where_the_center_tells_the_time(
    tmp_path: Path,
) -> None:
    async with town(tmp_path, LONG_RULES) as there:
        await there.live()
        since_min = boot_min(there)
        await there.status(lambda status: status.plumbing.time_source == "center")
        for off in DAYS:
            set_machine(there.machine, off, "ntp")
            await there.pass_(80 * MINUTE)
            assert abs((await there.gateway.status()).now - there.clock.now()) < CLOSE
        assert abs(await there.left() - 20 * MINUTE) < CLOSE
        await there.pass_(21 * MINUTE)
        status = await there.status(lambda status: bool(status.alarms))
        assert [alarm.state for alarm in status.alarms] == [AlarmState.RAISED]
        await escalated_at_limit(there, since_min, 180)
