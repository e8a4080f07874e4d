r"""What a command prints on: a terminal, a pipe that nobody reads on, a file on a full disk.

A character that the output cannot show is written as `\uc9d1`, which JSON reads back.
"""

import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

from rich.console import Console

from rules.errors import unreadable
from texts import Translator

_FAILED: Final = 1
_NOBODY_READS: Final = 141
"As the shell says of what SIGPIPE ended."
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Screen(Console):
    """A console that leaves it to `carried_out` to end where nobody reads."""

    def on_broken_pipe(self) -> None:
        """Raises: `BrokenPipeError`, where Rich would end the process as if a check had failed."""
        raise BrokenPipeError


def carried_out(act: Callable[[], int], say: Translator) -> int:
    """Carry out a command whatever becomes of its output; its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            return act()
        finally:
            # Here and not at the end of the interpreter, which could only complain.
            sys.stdout.flush()
    except (OSError, BaseExceptionGroup) as error:
        reasons = list(_leaves(error))
        if any(isinstance(one, BrokenPipeError) for one in reasons):
            _let_go()
            return _NOBODY_READS
        full = [one for one in reasons if isinstance(one, OSError) and one.errno in _FULL]
        if not full:
            raise
        _let_go()
        why = say.said(unreadable(full[0]))
        with suppress(OSError):
            print(say.text("The output cannot be written: {why}", why=why), file=sys.stderr)
        return _FAILED


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _let_go() -> None:
    """Have what is left of the output go nowhere: the interpreter flushes it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
