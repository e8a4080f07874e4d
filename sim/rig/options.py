"""`ongi sim rig`: the real-process level on the command line."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from rules.errors import ConfigError, phrase
from rules.quantity import span
from sim.check import check, figures
from sim.clock import stopwatch
from sim.faults import file, words
from sim.faults.drawn import Profile, drawn
from sim.faults.fault import Fault, FaultKind
from sim.homes.population import POPULATIONS, SimulatedHome, home
from sim.rig import run
from sim.rig.able import left_out
from sim.rig.network import Network, chosen, missing_for_namespaces
from sim.rig.outcome import ProcessDied, Stopped
from sim.rig.plan import SPEED, SPEED_MAX, Plan, drawn_collapse
from sim.rig.shown import Shown, notes
from sim.world.run import START
from texts import Translator, translator
from texts.parser import default, language_option

_VIOLATED: Final = 1
_USAGE_ERROR: Final = 2
_INTERRUPTED: Final = 130
_HOMES_MAX: Final = 50
_DAYS_MAX: Final = 366.0
_CALLS_MAX: Final = 1_000.0
_HELP: Final = "help"
_DRAWN: Final = "drawn"
_NONE: Final = "none"


def add_options(parser: argparse.ArgumentParser, say: Translator) -> None:
    """The options of a run."""
    _, end = say.text, default(say)
    for option, type_, standard, what in (
        ("--seed", int, "1", _("another seed, all else")),
        ("--homes", int, "1", _("how many homes there are")),
        ("--days", float, "1", _("virtual days")),
        ("--speed", float, f"{SPEED:g}", _("virtual seconds in a real one, while all is quiet")),
        ("--calls", float, "2", _("how often a day each resident presses for help")),
    ):
        parser.add_argument(option, type=type_, default=standard, metavar="N", help=what + end)
    kinds = ", ".join(kind.value for kind in FaultKind)
    parser.add_argument(
        "--faults",
        default=Profile.NONE.value,
        metavar="none|calm|storm|FILE",
        help=_(
            "what goes wrong: drawn, or listed in a file; `help` explains all kinds: {kinds}",
            kinds=kinds,
        )
        + end,
    )
    parser.add_argument(
        "--network",
        default=Network.AUTO.value,
        choices=[network.value for network in Network],
        help=_("what carries the datagrams; namespaces take root, ip, nft and tc") + end,
    )
    parser.add_argument(
        "--collapse",
        default=_DRAWN,
        metavar="SPAN|drawn|none",
        help=_('when each resident collapses, such as "5 h" after the start') + end,
    )
    parser.add_argument(
        "--population",
        default="mixed",
        choices=POPULATIONS,
        metavar="NAME",
        help=_("who lives there: {names}", names=", ".join(POPULATIONS)) + end,
    )
    parser.add_argument(
        "--keep-data",
        type=Path,
        metavar="DIR",
        help=_("keep journals, databases and logs there"),
    )
    parser.add_argument("--json", action="store_true", help=_("the figures as JSON, nothing else"))
    language_option(parser, say)


def carry_out(options: argparse.Namespace) -> int:
    """Run, check and tell; the exit status."""
    say = translator(options.language)
    shown = Shown(say, as_json=options.json)
    if options.faults == _HELP:
        shown.show(words.table(say))
        return 0
    try:
        plan = _plan(options)
        _introduce(plan, Network(options.network), options.faults, say, shown)
        return asyncio.run(_run(plan, say, shown))
    except ConfigError as error:
        where, found, right = map(say.said, (error.where, error.found, error.right))
        print(f"ongi sim rig: {where}\n  {found}\n  {right}", file=sys.stderr)
        return _USAGE_ERROR
    except KeyboardInterrupt:
        return _INTERRUPTED


async def _run(plan: Plan, say: Translator, shown: Shown) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    seconds = stopwatch()
    try:
        with shown.progress(plan) as show:
            outcome = await run.run(plan, show, stop)
    except Stopped:
        shown.tell(say.text("Stopped."))
        return _INTERRUPTED
    except ProcessDied as error:
        died = error.died
        shown.tell(
            say.text(
                "{name} ended by itself (status {status}); its last words:",
                name=died.name,
                status=died.status,
            )
        )
        for line in died.tail:
            shown.tell(f"  {line}")
        return _VIOLATED
    except TimeoutError:
        shown.tell(say.text("A process did not get ready."))
        return _VIOLATED
    violations = (*check(outcome.chronicle), *outcome.violations)
    shown.outcome(plan, outcome, figures(outcome.chronicle, violations, seconds()))
    return _VIOLATED if violations else 0


def _introduce(plan: Plan, network: Network, faults: str, say: Translator, shown: Shown) -> None:
    if network is Network.AUTO:
        missing = missing_for_namespaces()
        text = say.text("Network: namespaces.")
        if missing:
            text = say.text("Network: loopback; for namespaces there is no {what}.", what=missing)
        shown.tell(text)
    if faults in (Profile.CALM.value, Profile.STORM.value) and not plan.faults:
        shown.tell(say.text("No faults: they are drawn from the second day on."))
    notes(shown, left_out(say, plan.faults))


def _plan(options: argparse.Namespace) -> Plan:
    """The run that is asked for.

    Raises:
        ConfigError: something that cannot be.

    """
    _within("--homes", options.homes, 1, _HOMES_MAX)
    _within("--days", options.days, 0.05, _DAYS_MAX)
    _within("--speed", options.speed, 1, SPEED_MAX)
    _within("--calls", options.calls, 0, _CALLS_MAX)
    lasting = timedelta(days=options.days)
    homes = tuple(
        home(options.seed, number, START, options.population, options.language.value)
        for number in range(1, options.homes + 1)
    )
    return Plan(
        seed=options.seed,
        homes=homes,
        lasting=lasting,
        faults=_faults(options.faults, options.seed, homes, lasting),
        speed=options.speed,
        network=chosen(Network(options.network)),
        data=options.keep_data,
        calls_a_day=options.calls,
        collapse=_collapse(options.collapse, options.seed, lasting),
    )


def _faults(
    asked: str, seed: int, homes: Sequence[SimulatedHome], lasting: timedelta
) -> tuple[Fault, ...]:
    days = lasting / timedelta(days=1)
    if asked in [profile.value for profile in Profile]:
        found = drawn(Profile(asked), seed, homes, days)
    else:
        found = file.read(Path(asked), homes, days)
    return tuple(
        replace(fault, lasting=min(fault.lasting, lasting - fault.begin))
        for fault in found
        if fault.begin < lasting
    )


def _collapse(written: str, seed: int, lasting: timedelta) -> timedelta | None:
    if written == _NONE:
        return None
    if written == _DRAWN:
        return drawn_collapse(seed, lasting)
    return span(written, "--collapse", timedelta(minutes=1), lasting)


def _within(option: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        right = phrase("from {low} to {high}", low=f"{low:g}", high=f"{high:g}")
        raise ConfigError(option, f"{value:g}", right)
