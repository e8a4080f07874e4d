"""`python -m sim.ble.vm`: the driver on a real kernel and bluetoothd, and where ours differ."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from rich.table import Table

from rules.errors import ConfigError
from sim.ble.vm import inside
from sim.ble.vm.compare import Difference, differences
from sim.ble.vm.inside import REAL, VIRTUAL, is_later
from sim.ble.vm.machine import Broken, console
from sim.ble.vm.packages import Machine, machine
from sim.ble.vm.record import Seen, decode
from sim.ble.vm.shell import said_by
from sim.clock import stopwatch
from sim.terminal import Screen, carried_out
from texts import Translator, translator
from texts.parser import Parser, language, language_option, whole

_PROJECT: Final = Path(__file__).resolve().parents[3]
_INSIDE: Final = inside.__name__
_WITHIN_MIN: Final = 20
_WITHIN_MIN_MOST: Final = 600
_Tell = Callable[[str], None]
_WRONG: Final = 1
_UNABLE: Final = 2
_INTERRUPTED: Final = 130


@dataclass(slots=True)
class _Found:
    """What came out of a run."""

    release: str
    version: str
    "Of bluetoothd."
    real: list[Seen] = field(default_factory=list)
    virtual: list[Seen] = field(default_factory=list)
    broken: str | None = None
    "What the machine said last, if it did not come to its end."

    @property
    def differences(self) -> list[Difference]:
        return differences(self.real, self.virtual, later=is_later(self.version))

    @property
    def well(self) -> bool:
        """All that must be right is right, and nothing differs that nobody has said so of."""
        proofs = [one.right for one in self.real if one.right is not None]
        meant = all(one.meant is not None for one in self.differences)
        return self.broken is None and bool(proofs) and all(proofs) and meant


def main(argv: Sequence[str] | None = None) -> int:
    """Carry it out, print what was seen, and say by the exit status whether all is well."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    say = translator(language(arguments))
    return carried_out(lambda: _asked_for(arguments, say), say)


def _asked_for(arguments: Sequence[str], say: Translator) -> int:
    options = _options(arguments, say)
    screen = Screen(stderr=True, highlight=False)
    took = stopwatch()

    def tell(what: str) -> None:
        screen.print(f"{took():6.1f} s  {say.said(what)}", markup=False, soft_wrap=True)

    # So that the machine is ended and its files are removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        found = asyncio.run(_run(options.debian, options.minutes * 60.0, tell))
    except ConfigError as error:
        where, what, right = map(say.said, (error.where, error.found, error.right))
        print(f"sim.ble.vm: {where}\n  {what}\n  {right}", file=sys.stderr)
        return _UNABLE
    except KeyboardInterrupt:
        return _INTERRUPTED
    if options.json:
        print(json.dumps(_plain(found, took()), ensure_ascii=False))
    else:
        _show(found, say)
    return 0 if found.well else _WRONG


def _options(arguments: Sequence[str], say: Translator) -> argparse.Namespace:
    parser = Parser(
        "python -m sim.ble.vm",
        say.text(
            "The driver on a real kernel and bluetoothd, and where the virtual BlueZ differs."
        ),
        say,
    )
    parser.add_argument(
        "--debian",
        metavar="NAME",
        help=say.text("of this release of Debian, such as trixie; by default this machine's own"),
    )
    parser.add_argument(
        "--minutes",
        type=whole(1, _WITHIN_MIN_MOST, say),
        default=_WITHIN_MIN,
        metavar="N",
        help=say.text("at most so long"),
    )
    parser.add_argument("--json", action="store_true", help=say.text("what was seen as JSON"))
    language_option(parser, say)
    return parser.parse_args(arguments)


async def _run(suite: str | None, within_s: float, tell: _Tell) -> _Found:
    made_of = await machine(suite, tell)
    version = (await said_by(*made_of.bluetoothd, "--version")).strip()
    found = _Found(made_of.release, version)
    async with asyncio.TaskGroup() as group:
        group.create_task(_virtual(found), name="virtual")
        group.create_task(_real(found, made_of, within_s, tell), name="real")
    return found


async def _real(found: _Found, made_of: Machine, within_s: float, tell: _Tell) -> None:
    command = (sys.executable, "-m", _INSIDE, REAL, *made_of.bluetoothd)
    try:
        async for line in console(made_of, _PROJECT, command, within_s):
            seen = decode(line)
            if seen is not None:
                found.real.append(seen)
                tell(seen.what)
    except Broken as error:
        found.broken = str(error)


async def _virtual(found: _Found) -> None:
    command = (sys.executable, "-m", _INSIDE, VIRTUAL, found.version)
    said = await said_by(*command, folder=_PROJECT)
    found.virtual = [seen for line in said.splitlines() if (seen := decode(line)) is not None]


def _plain(found: _Found, took_s: float) -> dict[str, object]:
    return {
        "release": found.release,
        "bluetoothd": found.version,
        "wall_s": round(took_s, 1),
        "well": found.well,
        "broken": found.broken,
        "proofs": [asdict(one) for one in found.real if one.right is not None],
        "differences": [asdict(one) for one in found.differences],
        "seen": [asdict(one) for one in found.real if one.right is None],
    }


def _show(found: _Found, say: Translator) -> None:
    screen = Screen(highlight=False)
    proofs = Table(title=say.text("The driver on bluetoothd {name}", name=found.version))
    proofs.add_column(say.text("what"))
    proofs.add_column(say.text("after"), justify="right")
    proofs.add_column(say.text("seen"))
    for one in found.real:
        if one.right is not None:
            after = "" if one.seconds is None else f"{one.seconds:.1f} s"
            seen = one.seen if one.right else f"! {one.seen}"
            proofs.add_row(say.text(one.what), after, seen)
    screen.print(proofs, markup=False)
    others = [one for one in found.differences if one.meant is None]
    if others:
        table = Table(title=say.text("Where the virtual BlueZ differs"))
        table.add_column(say.text("what"))
        table.add_column(say.text("real"))
        table.add_column(say.text("virtual"))
        for other in others:
            table.add_row(other.what, other.real, other.virtual)
        screen.print(table, markup=False)
    looked = sum(one.right is None for one in found.real)
    meant = len(found.differences) - len(others)
    print(
        say.text(
            "Looked at: {looked}; different: {others}, and {meant} that are meant so.",
            looked=looked,
            others=len(others),
            meant=meant,
        )
    )
    if found.broken is not None:
        print(say.text("The virtual machine did not come to its end:"))
        print(found.broken)


if __name__ == "__main__":
    sys.exit(main())
