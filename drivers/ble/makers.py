"""Who made a device, by what its adverts tell: for technicians, who look for it among strangers.

Ref: Bluetooth SIG, Assigned Numbers, 7.1, company identifiers; IEEE, MA-L assignments.
"""

from collections.abc import Iterable
from typing import Final

import aiooui

from rules.models import Format

_OF_FORMAT: Final = {Format.MIBEACON: "Xiaomi", Format.SWITCHBOT: "SwitchBot"}
_OF_COMPANY: Final = {0x0969: "SwitchBot", 0x0BA9: "Shelly"}
"Newer than bleak's table, and what is printed on the devices."
_NOBODY: Final = frozenset({"IEEE Registration Authority", "Private"})
"Of whom nothing follows: the one deals out smaller blocks, the other does not want to be known."
_LENGTH_MAX: Final = 40


class Makers:
    """Knows makers by their numbers."""

    def __init__(self) -> None:
        self._companies: dict[int, str] | None = None

    async def load(self) -> None:
        """Make ready. Not before it is needed: the names take a megabyte."""
        if self._companies is None:
            # The one table of companies that is installed where there is a radio stack.
            from bleak.backends._manufacturers import MANUFACTURERS  # noqa: PLC0415

            self._companies = {**MANUFACTURERS, **_OF_COMPANY}
            await aiooui.async_load()

    def maker(self, address: str, companies: Iterable[int], format_: Format | None) -> str:
        """The maker's name, empty if nothing tells it.

        Args:
            address: of the device. One that is drawn by chance has a maker once in 400 times.
            companies: whose own data it sends.
            format_: what it speaks.

        """
        assert self._companies is not None, "not loaded"
        by_format = _OF_FORMAT.get(format_) if format_ is not None else None
        if by_format is not None:
            return by_format
        for company in companies:
            name = self._companies.get(company)
            if name:
                return printable(name)
        vendor = aiooui.get_vendor(address)
        return "" if vendor is None or vendor in _NOBODY else printable(vendor)


def printable(name: str) -> str:
    """A name that somebody has sent: short, and nothing in it may steer a terminal."""
    shown = "".join(c if c.isprintable() else " " for c in name)
    return " ".join(shown.split())[:_LENGTH_MAX]
