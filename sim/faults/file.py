"""Faults listed in a TOML file: `[[fault]]` blocks, read strictly, and written the same way.

tomllib says nothing of lines once a text is TOML: `_Places` finds where each block and key stands.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from edge.devices import known, mapping, one_of, shown
from rules.errors import ConfigError, Phrase, meant, phrase, unreadable
from rules.observation import DeviceId
from rules.quantity import span
from sim.faults.catalogue import CATALOGUE, Amount, may_have, number
from sim.faults.fault import OF_AIR, OF_CENTER, OF_DEVICE, Fault, FaultKind, Furnished

_KEYS: Final = ("kind", "home", "at", "for", "amount", "device")
_BLOCK: Final = re.compile(r"\s*\[\[\s*(?:fault|\"fault\"|'fault')\s*\]\]")
_KEY: Final = re.compile(r"\s*(?:\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9_-]+))\s*[=.]")
_TABLE: Final = re.compile(r"\s*\[\s*(?:\"([^\"]*)\"|'([^']*)'|([A-Za-z0-9_-]+))")
_QUOTES: Final = re.compile("\"\"\"|'''")
_AT_LINE: Final = re.compile(r"at line (\d+)")
_PART: Final = re.compile(r"-?\d+(?:\.\d+)? ?[a-z]+")
_PARTS: Final = re.compile(rf"{_PART.pattern}(?: {_PART.pattern}){{1,5}}")
_NAMED_MOST: Final = 20
_S: Final = timedelta(seconds=1)
_BYTES_MOST: Final = 4_000_000


def read(path: Path, homes: Sequence[Furnished], days: float) -> tuple[Fault, ...]:
    """The faults of a file, numbered as they stand there.

    Args:
        path: of the file.
        homes: of the run.
        days: of the run.

    Raises:
        ConfigError: with file, line and key: what was found and what would be right.

    """
    where = str(path)
    try:
        with path.open("rb") as file:
            raw = file.read(_BYTES_MOST + 1)
    except FileNotFoundError as error:
        right = phrase("name a file of faults, or one of none, calm and storm")
        raise ConfigError(where, phrase("no such file"), right) from error
    except OSError as error:
        raise ConfigError(where, unreadable(error), phrase("a readable file")) from error
    if len(raw) > _BYTES_MOST:
        right = phrase("{most} bytes at most", most=_BYTES_MOST)
        raise ConfigError(where, phrase("a larger file"), right)
    try:
        # Some editors begin a file with a mark of its encoding, which is no TOML.
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        found = phrase("bytes that are no UTF-8")
        raise ConfigError(f"{where}: line {line}", found, phrase("save it as UTF-8")) from error
    return parse(text, where, homes, days)


def parse(text: str, file: str, homes: Sequence[Furnished], days: float) -> tuple[Fault, ...]:
    """The faults of a file's text; see `read`. `file` is its name in errors."""
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        line = _AT_LINE.search(str(error))
        where = f"{file}: line {line[1]}" if line else file
        found = phrase("no TOML ({error})", error=error)
        raise ConfigError(where, found, phrase("mend that line")) from None
    blocks = tables.get("fault", [])
    count = len(blocks) if isinstance(blocks, list) else 0
    places = _Places(file, text, count)
    for name in tables:
        known(name, ["fault"], places.of(0, name))
    if not isinstance(blocks, list):
        right = phrase("begin each fault with [[fault]]")
        raise ConfigError(places.of(0, "fault"), shown(blocks), right)
    run = _Run({home.number: home for home in homes}, timedelta(days=days))
    return tuple(_fault(block, n, places, run) for n, block in enumerate(blocks, 1))


def write(faults: Sequence[Fault]) -> str:
    """A file of these faults; read again they are the same, numbered from 1."""
    return "\n".join(map(_written, faults))


class _Places:
    """Where in a file its blocks and their keys stand, as errors name it."""

    def __init__(self, file: str, text: str, count: int) -> None:
        """Look through `text`, in which `count` faults were found."""
        self._file = file
        blocks: list[tuple[int, dict[str, int]]] = [(1, {})]
        inside = ""
        # Lines as TOML counts them: `str.splitlines` knows more ends.
        for line_number, line in enumerate(text.split("\n"), 1):
            if not inside:
                if _BLOCK.match(line):
                    blocks.append((line_number, {}))
                elif (matched := _KEY.match(line)) is not None:
                    blocks[-1][1].setdefault("".join(filter(None, matched.groups())), line_number)
                elif (matched := _TABLE.match(line)) is not None:
                    blocks[0][1].setdefault("".join(filter(None, matched.groups())), line_number)
            for quotes in _QUOTES.findall(line):
                inside = "" if inside == quotes else inside or quotes
        self._blocks = blocks
        # Written in another of TOML's ways: then the number of the fault has to do.
        self._certain = len(blocks) == count + 1

    def of(self, n: int, key: str) -> str:
        """The place of a key of the `n`th fault, from 1; 0 is what stands outside of all."""
        if n and not self._certain:
            return f"{self._file}: fault {n}: {key}"
        head, keys = self._blocks[n]
        line = keys.get(key, head)
        return f"{self._file}: line {line}: {key}"


@dataclass(frozen=True, slots=True)
class _Run:
    """What the faults are held against."""

    homes: Mapping[int, Furnished]
    lasting: timedelta


def _fault(written: object, n: int, places: _Places, run: _Run) -> Fault:
    """One block.

    Raises:
        ConfigError: the first thing that is wrong with it.

    """
    block = mapping(written, places.of(n, "fault"))
    for key in block:
        known(key, _KEYS, places.of(n, key))
    for key in ("kind", "at", "for"):
        if key not in block:
            raise ConfigError(places.of(n, key), phrase("nothing"), phrase("it is needed"))
    kind = one_of(FaultKind, block["kind"], places.of(n, "kind"))
    home = _home(kind, block, n, places, run)
    begin = _span(block["at"], places.of(n, "at"), timedelta(), run.lasting)
    lasting = _span(block["for"], places.of(n, "for"), _S, run.lasting)
    if begin + lasting > run.lasting:
        raise ConfigError(
            places.of(n, "for"),
            phrase("an end after {end}", end=_format(begin + lasting)),
            phrase("let it end within the {lasting} of the run", lasting=_format(run.lasting)),
        )
    return Fault(
        number=n,
        kind=kind,
        home=None if home is None else home.number,
        begin=begin,
        lasting=lasting,
        amount=_amount(kind, block, places.of(n, "amount")),
        device=None if home is None else _device(kind, block, places.of(n, "device"), home),
    )


def _home(
    kind: FaultKind, block: Mapping[str, object], n: int, places: _Places, run: _Run
) -> Furnished | None:
    if kind in OF_CENTER:
        for key in ("home", "device"):
            if key in block:
                right = phrase("leave it out: {kind} is of the center", kind=kind.value)
                raise ConfigError(places.of(n, key), shown(block[key]), right)
        return None
    where = places.of(n, "home")
    right = phrase("name one of the homes {names}", names=_few(map(str, sorted(run.homes))))
    if "home" not in block:
        raise ConfigError(where, phrase("nothing"), right)
    number_ = block["home"]
    if type(number_) is not int or number_ not in run.homes:
        raise ConfigError(where, shown(number_), right)
    return run.homes[number_]


def _device(
    kind: FaultKind, block: Mapping[str, object], where: str, home: Furnished
) -> DeviceId | None:
    name = block.get("device")
    if kind not in OF_DEVICE | OF_AIR:
        if name is not None:
            right = phrase("leave it out: {kind} is of a whole home", kind=kind.value)
            raise ConfigError(where, shown(name), right)
        return None
    able = [one.device.id for one in home.installed if may_have(kind, one)]
    right = phrase("name one of the devices {names}", names=_few(able))
    if name is None:
        if kind in OF_AIR:
            return None
        raise ConfigError(where, phrase("nothing"), right)
    if not isinstance(name, str) or name not in able:
        raise ConfigError(where, shown(name), meant(name, able, right))
    return DeviceId(name)


def _amount(kind: FaultKind, block: Mapping[str, object], where: str) -> float:
    amount = CATALOGUE[kind].amount
    written = block.get("amount")
    if amount is None:
        if written is not None:
            right = phrase("leave it out: {kind} has none", kind=kind.value)
            raise ConfigError(where, shown(written), right)
        return 0.0
    right = _right(amount)
    if written is None:
        if amount.default is None:
            raise ConfigError(where, phrase("nothing"), right)
        return amount.default
    if isinstance(written, str) and amount.seconds:
        limits = timedelta(seconds=amount.low), timedelta(seconds=amount.high)
        written = _span(written, where, *limits).total_seconds()
    if isinstance(written, bool) or not isinstance(written, int | float):
        raise ConfigError(where, shown(written), right)
    if not amount.fits(written):
        raise ConfigError(where, shown(written), right)
    return float(written)


def _right(amount: Amount) -> Phrase:
    words = {"what": phrase(amount.what), "low": number(amount.low), "high": number(amount.high)}
    if amount.whole:
        return phrase("write {what}, a whole number from {low} to {high}", **words)
    if amount.low < 0:
        return phrase("write {what}, from {low} to {high} but not 0", **words)
    return phrase("write {what}, from {low} to {high}", **words)


def _span(written: object, where: str, low: timedelta, high: timedelta) -> timedelta:
    """`"3 d 4 h"`: parts, each as `rules.quantity.span` reads it."""
    if not isinstance(written, str) or not _PARTS.fullmatch(written.strip()):
        return span(written, where, low, high)
    length = sum(
        (span(part, where, timedelta(), high) for part in _PART.findall(written)), timedelta()
    )
    # Outside of the limits it is refused as it was written.
    return length if low <= length <= high else span(written, where, low, high)


def _format(length: timedelta) -> str:
    """A span as `_span` reads it."""
    days, rest = divmod(length, timedelta(days=1))
    hours, rest = divmod(rest, timedelta(hours=1))
    minutes, rest = divmod(rest, timedelta(minutes=1))
    seconds = f"{rest.total_seconds():.6f}".rstrip("0").rstrip(".")
    parts = [
        f"{many} {unit}"
        for many, unit in ((days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s"))
        if many not in (0, "0")
    ]
    return " ".join(parts) or "0 s"


def _few(names: Iterable[str]) -> str:
    listed = list(names)
    more = [] if len(listed) <= _NAMED_MOST else ["..."]
    return ", ".join(listed[:_NAMED_MOST] + more)


def _written(fault: Fault) -> str:
    lines = ["[[fault]]", f'kind = "{fault.kind}"']
    if fault.home is not None:
        lines.append(f"home = {fault.home}")
    if fault.device is not None:
        lines.append(f'device = "{fault.device}"')
    lines += [f'at = "{_format(fault.begin)}"', f'for = "{_format(fault.lasting)}"']
    if CATALOGUE[fault.kind].amount is not None:
        lines.append(f"amount = {number(fault.amount)}")
    return "\n".join(lines) + "\n"
