"""Many parts of work at once, one process for each core; results in the order of the work."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TypeVar

Work = TypeVar("Work")
Made = TypeVar("Made")


def each(
    make: Callable[[Work], Made],
    works: Sequence[Work],
    workers: int,
    done: Callable[[Made], object],
) -> list[Made]:
    """`make` of each, on this machine; the same for any number of workers.

    Args:
        make: a function of a module, which other processes import.
        works: the largest first, so that none is left over at the end.
        workers: processes; with one the work is done in this one.
        done: told of each as it comes, in any order.

    """
    workers = min(workers, len(works))
    if workers <= 1:
        return [_told(make(work), done) for work in works]
    # Forking would copy whatever threads hold here; a fresh interpreter is the same everywhere.
    spawn = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(workers, mp_context=spawn, initializer=_deaf) as pool:
        futures = [pool.submit(make, work) for work in works]
        try:
            for future in as_completed(futures):
                done(future.result())
        except BaseException:
            # Nobody waits for what is half done.
            pool.shutdown(wait=False, cancel_futures=True)
            for child in set(multiprocessing.active_children()) - others:
                child.terminate()
            raise
    return [future.result() for future in futures]


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0))


def _told(made: Made, done: Callable[[Made], object]) -> Made:
    done(made)
    return made


def _deaf() -> None:
    """Leave Ctrl-C, which the terminal sends to all, to the process that started this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
