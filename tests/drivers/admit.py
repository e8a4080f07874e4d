"""A process that admits counters and says which it passed on, until it is killed.

Arguments: state file, first counter, seed. Each line: the counter, and `u` if its frame is urgent.
"""

import os
import sys
from itertools import count
from pathlib import Path
from random import Random

from drivers.guard import CounterGuard, Verdict

state, first, seed = sys.argv[1:]
guard = CounterGuard(Path(state))
random = Random(seed)
for at, counter in enumerate(count(int(first))):
    urgent = random.random() < 0.1
    verdict = guard.admit(b"sensor", counter, at * 1_000_000, urgent=urgent)
    if verdict is Verdict.NEW or (verdict is Verdict.UNSURE and urgent):
        os.write(1, f"{counter} {'u' if urgent else '-'}\n".encode())
