"""How far a run has come, on the standard error: a bar on a terminal, elsewhere lines.

A stream of a year takes minutes, so that a line tells of each that is done, and every ten seconds
one tells that the run still lives.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.detection.study import Told
from sim.clock import stopwatch
from texts import N_, Translator

EVERY_S: Final = 10.0
_STAGES: Final = (N_("homes"), N_("streams"))
"As `study` names them."


@contextmanager
def progress(say: Translator, every_s: float = EVERY_S) -> Iterator[Told]:
    """Show it until the run ends."""
    if not sys.stderr.isatty():
        lines = _Lines(say)
        ended = Event()
        living = Thread(target=lambda: _until(ended, every_s, lines.tell), daemon=True)
        living.start()
        try:
            yield lines.begin
        finally:
            ended.set()
            living.join()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar:

        def begin(stage: str, works: int) -> Callable[[object], None]:
            task = bar.add_task(say.text(stage), total=works)
            return lambda _: bar.advance(task)

        yield begin


def _until(ended: Event, every_s: float, tell: Callable[[], None]) -> None:
    while not ended.wait(every_s):
        tell()


class _Lines:
    """`streams: 3 of 8, 41 s`."""

    def __init__(self, say: Translator) -> None:
        self._say = say
        self._seconds = stopwatch()
        self._stage = ""
        self._works = self._done = 0
        self._lock = Lock()
        "Two threads tell, and a line is whole."

    def begin(self, stage: str, works: int) -> Callable[[object], None]:
        self._stage, self._works, self._done = stage, works, 0
        self.tell()
        return self._one_more

    def tell(self) -> None:
        if not self._stage:
            return
        line = self._say.text(
            "{stage}: {done} of {all}, {s} s",
            stage=self._say.text(self._stage),
            done=self._done,
            all=self._works,
            s=f"{self._seconds():.0f}",
        )
        with self._lock:
            print(line, file=sys.stderr, flush=True)

    def _one_more(self, _: object) -> None:
        self._done += 1
        self.tell()
