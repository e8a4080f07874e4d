"""A journal damaged while the daemon was off: what waited is delivered, and the fault is told."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from rules.alarm import AlarmKind
from rules.device import Link
from rules.observation import Phenomenon
from tests.processes.town import CLOSE, DOOR, MINUTE, NODE, Town, town
from tests.support.processes import Driver, device, driving

pytestmark = [pytest.mark.processes, pytest.mark.timeout(120)]

SEED = 7
FLIPS = 20
EARLY, LATE = range(3), range(3, 5)
"Buttons pressed before and after the last good copy was made; all wait for the center."
DEVICES = (
    DOOR,
    NODE,
    *(device(f"sos-{n}", Phenomenon.SOS, link=Link.ZIGBEE) for n in (*EARLY, *LATE)),
)
RULES = '[rules.inactivity]\nlimits = ["5 h"]\nprompt = false\n'


def cut_in_half(main: Path, log: Path) -> None:
    del log
    main.write_bytes(main.read_bytes()[: main.stat().st_size // 2])


def emptied(main: Path, log: Path) -> None:
    del log
    main.write_bytes(b"")


def deleted(main: Path, log: Path) -> None:
    main.unlink()
    log.unlink(missing_ok=True)


def one_bit_of_the_header(main: Path, log: Path) -> None:
    del log
    flip(main, [3])


def bits_of_the_file(main: Path, log: Path) -> None:
    del log
    draw = Random(SEED)
    flip(main, [draw.randrange(8 * main.stat().st_size) for _ in range(FLIPS)])


def log_cut(main: Path, log: Path) -> None:
    del main
    log.write_bytes(log.read_bytes()[:5_000])


def bits_of_the_log(main: Path, log: Path) -> None:
    del main
    draw = Random(SEED)
    # In its beginning: the rest was never written to.
    flip(log, [draw.randrange(8 * 20_000) for _ in range(FLIPS)])


def bits_of_both(main: Path, log: Path) -> None:
    bits_of_the_file(main, log)
    bits_of_the_log(main, log)


def flip(path: Path, bits: list[int]) -> None:
    content = bytearray(path.read_bytes())
    for bit in bits:
        content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


Damage = Callable[[Path, Path], None]
KILLED: list[Damage] = [cut_in_half, emptied, deleted, log_cut, bits_of_the_log, bits_of_both]
STOPPED: list[Damage] = [cut_in_half, one_bit_of_the_header, bits_of_the_file]
"Stopped in order it leaves no log, which has newer versions of some of the file's pages."
SPARES_THE_NEWEST = (cut_in_half, emptied)


CASES = [*((True, each) for each in KILLED), *((False, each) for each in STOPPED)]


@pytest.mark.parametrize(
    ("killed", "damage"),
    [CASES[0], *(pytest.param(*each, marks=pytest.mark.once) for each in CASES[1:])],
    ids=lambda value: ("stopped", "killed")[value] if isinstance(value, bool) else value.__name__,
)
async def test_damaged_between_two_runs(tmp_path: Path, damage: Damage, *, killed: bool) -> None:
    async with town(tmp_path, RULES, devices=DEVICES, down=True) as there:
        await press(there, EARLY)
        copy = there.site.home / "journal.good.sqlite"
        older = copy.stat().st_mtime_ns
        # It is renewed after an hour, whatever is heard then.
        await there.pass_(57.5 * MINUTE)
        await there.live()
        moved = there.clock.now()
        await there.pass_(2 * MINUTE)
        await there.report(written=False)
        await there.status(lambda _: copy.stat().st_mtime_ns > older)
        await press(there, LATE)
        pressed = there.clock.now()
        await (there.gateway.kill() if killed else there.gateway.stop())
        main = there.site.home / "journal.sqlite"
        damage(main, main.with_name(main.name + "-wal"))

        there.net.down = False
        await there.restart()
        fault = await there.case(AlarmKind.JOURNAL_RESTORED)
        assert "journal.sqlite" in repr(fault.explanation)
        kept = (*EARLY, *LATE) if killed and damage in SPARES_THE_NEWEST else EARLY
        for number in kept:
            await there.case(AlarmKind.SOS, f"sos-{number}")
        calls = Counter(one.scope for one in await there.cases() if one.alarm is AlarmKind.SOS)
        assert set(calls.values()) == {1}
        assert (there.site.home / "journal.broken-1.sqlite").exists() or damage is deleted
        # The silence counts on from the last sign of life that is known: who calls lives.
        standing = {alarm.key.scope for alarm in (await there.gateway.status()).alarms}
        late = standing & {f"sos-{number}" for number in LATE}
        assert late or kept is EARLY
        since = pressed if late else moved
        left = await there.left()
        assert abs(left - (since + 300 * MINUTE - there.clock.now())) < CLOSE


async def press(there: Town, numbers: range) -> None:
    """Call for help, by a driver that will not say it again to the next run."""
    buttons = Driver(there.site, Link.ZIGBEE, there.clock)
    async with driving(buttons):
        for number in numbers:
            buttons.see(f"sos-{number}", Phenomenon.SOS, value=True)
        await there.status(
            lambda status: (
                {f"sos-{number}" for number in numbers}
                <= {alarm.key.scope for alarm in status.alarms}
            )
        )
