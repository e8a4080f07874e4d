"""What a connected peripheral serves, and its refusals, without the stack behind it."""

from dataclasses import dataclass


class AttError(Exception):
    """The peripheral refused a request.

    Ref: Bluetooth Core Specification 5.4, Vol 3, Part F, table 3.4.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"ATT error 0x{code:02x}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Part:
    """A characteristic."""

    handle: int
    uuid: str
    flags: tuple[str, ...]
    "As BlueZ names them: read, write, write-without-response, notify, indicate."


@dataclass(frozen=True, slots=True)
class Whole:
    """A service."""

    handle: int
    uuid: str
    parts: tuple[Part, ...]
