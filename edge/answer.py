"""What becomes of one request to the center: an answer, or none that can be believed."""

from dataclasses import dataclass

from aiocoap.numbers.codes import Code


@dataclass(frozen=True, slots=True)
class Answer:
    """What the center said, under OSCORE."""

    code: Code
    payload: bytes


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing came that can be believed."""

    why: str
    replayed: bool = False
    "An unprotected 4.01: the number may have been seen before, so a new one is worth a try."
