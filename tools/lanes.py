"""Run all tests with this Python in lanes beside each other: by what they wait for.

`lanes.py [--leave-out MARKS] [PYTEST ARGUMENT...]`

Those that wait for processes and browsers, or for real time to pass, leave their processors nearly
idle, so the others run beside them; the many seeds, which take every processor, run after all.
What waits is shown when the others are through. With arguments for pytest it is one ordinary
run of what they select, as it is with a single processor.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import IO

WAITING = ("processes or browser", "wall and not (processes or browser)")
"Marks of tests that wait most of their time, a lane each."
_INTERRUPTED = 2


def main(argv: Sequence[str]) -> int:
    """Run them; the exit status of the first lane that failed."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--leave-out", default="", metavar="MARKS", help="as `-m 'not (MARKS)'`")
    options, arguments = parser.parse_known_args(argv)
    left_out = f" and not ({options.leave_out})" if options.leave_out else ""
    if arguments or len(os.sched_getaffinity(0)) == 1:
        marks = ["-m", left_out.removeprefix(" and ")] if left_out else []
        return _end(_pytest([*marks, *arguments]))
    with ExitStack() as kept:
        told = [kept.enter_context(TemporaryFile()) for _ in WAITING]
        waiting = [
            _pytest(["-m", f"({marks}) and not seeds{left_out}"], output)
            for marks, output in zip(WAITING, told, strict=True)
        ]
        others = " or ".join(f"({marks})" for marks in WAITING)
        statuses = [_end(_pytest(["-m", f"not ({others}) and not seeds{left_out}"]))]
        for lane, output in zip(waiting, told, strict=True):
            statuses.append(_end(lane))
            output.seek(0)
            shutil.copyfileobj(output, sys.stdout.buffer)
            sys.stdout.flush()
    if "seeds" not in options.leave_out and _INTERRUPTED not in statuses:
        statuses.append(_end(_pytest(["-m", "seeds"])))
    return next((status for status in statuses if status), 0)


def _pytest(arguments: Sequence[str], output: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.Popen(command, stdout=output, stderr=output)  # noqa: S603 -- ours


def _end(process: subprocess.Popen[bytes]) -> int:
    """Its exit status. Ctrl-C reaches it from the terminal, and it ends in order."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
