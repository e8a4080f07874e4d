"""Many seeds: a fixed list of them, and fresh ones for as long as there is time.

`python -m sim.check.seeds --fixed 100 --fresh-s 120` is what CI runs; a night can be given to it
as well.
"""

import argparse
import logging
import secrets
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context
from os import cpu_count
from random import Random

from sim.check import Violation, check
from sim.check.command import Asked
from sim.clock import stopwatch
from sim.terminal import carried_out
from sim.world.asked import plan
from sim.world.run import run
from texts import Translator, translator
from texts.parser import Parser, default, language, language_option, whole

LONG_DAYS = 12
"Long enough for the rules to go by what they learnt in the first week."
DAYS = 5
"Long enough for restarts, outages and silences to meet."
POPULATIONS = (
    *("perilous", "plugs", "perilous", "rooms", "perilous", "two"),
    *("perilous", "semi-basement", "perilous-pet", "pet", "mixed"),
)
"""In nearly every other home something befalls people nearly every day. An odd number of names, so
that each meets storms and calm, alone and beside another home."""
_INTERRUPTED = 130
FRESH_MAX = (1 << 30) - 1
_WORKERS_MAX = 1_024


@dataclass(frozen=True, slots=True)
class Failed:
    """A seed that broke a promise."""

    asked: Asked
    violations: tuple[Violation, ...]


def asked(seed: int) -> Asked:
    """The run of a seed: storms for most, all kinds of homes, now and then two of them."""
    return Asked(
        seed=seed,
        homes=2 if seed % 10 == 0 else 1,
        days=LONG_DAYS if seed % 7 == 0 else DAYS,
        faults="calm" if seed % 4 == 0 else "storm",
        population=POPULATIONS[seed % len(POPULATIONS)],
    )


def broken(asked_for: Asked) -> tuple[Violation, ...]:
    """What a run breaks."""
    logging.disable(logging.CRITICAL)
    return check(run(plan(asked_for)))


def each(
    seeds: Iterator[int], workers: int, more: Callable[[], bool]
) -> Iterator[tuple[int, tuple[Violation, ...]]]:
    """Run seeds on all cores while there are `more` to begin, as they are done."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        running: dict[Future[tuple[Violation, ...]], int] = {}
        while True:
            while len(running) < 2 * workers and more():
                seed = next(seeds, None)
                if seed is None:
                    break
                running[pool.submit(broken, asked(seed))] = seed
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield running.pop(future), future.result()


def fresh(word: str) -> Iterator[int]:
    """Seeds without end, the same ones for the same word."""
    random = Random(word)
    while True:
        yield random.randrange(FRESH_MAX)


def search(fixed: int, fresh_s: float, workers: int, word: str) -> tuple[int, list[Failed]]:
    """Run seeds 1 to `fixed`, then fresh ones for so many real seconds.

    Args:
        fixed: how many.
        fresh_s: for how long, in seconds.
        workers: processes.
        word: of which the fresh ones are drawn.

    Returns:
        How many were run, and those that failed.

    """
    failed: list[Failed] = []
    count = 0
    seconds = stopwatch()
    for seed, violations in each(iter(range(1, fixed + 1)), workers, lambda: True):
        count += 1
        if violations:
            failed.append(Failed(asked(seed), violations))
    begun = seconds()
    for seed, violations in each(fresh(word), workers, lambda: seconds() - begun < fresh_s):
        count += 1
        if violations:
            failed.append(Failed(asked(seed), violations))
    return count, failed


def main(argv: Sequence[str] | None = None) -> int:
    """Run them, print what failed, and say so by the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    say = translator(language(arguments))
    return carried_out(lambda: _asked_for(arguments, say), say)


def _asked_for(arguments: Sequence[str], say: Translator) -> int:
    parser = Parser(
        "python -m sim.check.seeds",
        say.text(
            "Many seeds: a fixed list of them, then fresh ones for as long as there is time."
        ),
        say,
    )
    _add_options(parser, say)
    options = parser.parse_args(arguments)
    if not options.fixed and not options.fresh_s:
        parser.error(say.text("neither fixed nor fresh seeds: nothing would be run"))
    return _carry_out(options, say)


def _add_options(parser: argparse.ArgumentParser, say: Translator) -> None:
    _, end = say.text, default(say)
    for option, low, most, standard, what in (
        ("--fixed", 0, FRESH_MAX, 100, _("seeds 1 to N")),
        ("--fresh-s", 0, FRESH_MAX, 120, _("seconds for fresh seeds after that")),
        ("--workers", 1, _WORKERS_MAX, cpu_count() or 1, _("processes")),
    ):
        parser.add_argument(
            option, type=whole(low, most, say), default=standard, metavar="N", help=what + end
        )
    parser.add_argument(
        "--word",
        default=secrets.token_hex(4),
        help=say.text("what the fresh seeds are drawn from: another word, other seeds"),
    )
    language_option(parser, say)


def _carry_out(options: argparse.Namespace, say: Translator) -> int:
    try:
        count, failed = search(options.fixed, options.fresh_s, options.workers, options.word)
    except KeyboardInterrupt:
        return _INTERRUPTED
    for each_ in failed:
        first = each_.violations[0]
        print(f"{first.checker}: {say.said(first.what)}\n{each_.asked.line()}")
    words = {"count": count, "failed": len(failed), "word": options.word}
    print(say.text("Seeds: {count}, failed: {failed}; the fresh ones of --word {word}", **words))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
