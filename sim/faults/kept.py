"""`--keep 3,7`: a run with only some of its faults, named by their numbers."""

from collections.abc import Collection, Iterable
from typing import Final

from rules.errors import ConfigError, phrase
from sim.faults.fault import Fault

_NONE: Final = "none"
_DIGITS_MOST: Final = 7


def parse(text: str, where: str = "--keep") -> tuple[int, ...]:
    """Numbers of faults as `written` writes them, in ascending order.

    Raises:
        ConfigError: something else stands between the commas.

    """
    if text.strip() == _NONE:
        return ()
    found = numbers(text)
    if not found:
        right = phrase('write numbers of faults, such as "3,7", or "none"')
        raise ConfigError(where, repr(text), right)
    return found


def numbers(text: str) -> tuple[int, ...]:
    """Numbers from 1 between commas, in ascending order; none if it is anything else."""
    digits = [part.strip() for part in text.split(",")]
    if not all(one.isascii() and one.isdigit() and len(one) <= _DIGITS_MOST for one in digits):
        return ()
    found = sorted({int(one) for one in digits})
    return tuple(found) if found[0] else ()


def written(numbers: Iterable[int]) -> str:
    """As `parse` reads it."""
    return ",".join(map(str, sorted(numbers))) or _NONE


def kept(
    faults: Iterable[Fault], numbers: Collection[int], where: str = "--keep"
) -> tuple[Fault, ...]:
    """Those of the faults that are named; they keep their numbers.

    Raises:
        ConfigError: a number that no fault has.

    """
    by_number = {fault.number: fault for fault in faults}
    for wanted in sorted(numbers):
        if wanted not in by_number:
            right = phrase("the run has {count} faults, from 1 on", count=len(by_number))
            raise ConfigError(where, str(wanted), right)
    return tuple(by_number[wanted] for wanted in sorted(numbers))
