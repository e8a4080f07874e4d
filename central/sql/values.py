"""Between what a row holds and what the program holds."""

from datetime import datetime

import cbor2

from rules.codec import moment_at, moment_us, parse, plain
from rules.sentence import Explanation


def at(us: int | None) -> datetime | None:
    """The moment of a column that may be empty."""
    return None if us is None else moment_at(us)


def us(moment: datetime | None) -> int | None:
    """The column of a moment that may be missing."""
    return None if moment is None else moment_us(moment)


def sentences(explanation: Explanation) -> bytes:
    """An explanation as a column."""
    return cbor2.dumps(plain(explanation, Explanation))


def explanation(column: bytes) -> Explanation:
    """An explanation from its column."""
    return parse(cbor2.loads(column), Explanation) if column else ()
