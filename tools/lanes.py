"""Run all tests with this Python in two lanes: what waits for real time, what needs a processor.

`lanes.py [--leave-out MARKS] [PYTEST ARGUMENT...]`

The lane that waits leaves its processor nearly idle, so the other one runs beside it, and the many
seeds, which take every processor, run after both. With arguments for pytest it is one ordinary
run of what they select, as it is with a single processor.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from tempfile import TemporaryFile
from typing import IO

WAITING = "processes or browser or wall"
"Marks of tests that wait for real time most of theirs."
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
    with TemporaryFile() as told:
        waiting = _pytest(["-m", f"({WAITING}) and not seeds{left_out}"], told)
        working = _pytest(["-m", f"not ({WAITING}) and not seeds{left_out}"])
        statuses = [_end(working), _end(waiting)]
        told.seek(0)
        shutil.copyfileobj(told, sys.stdout.buffer)
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
