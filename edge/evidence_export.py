"""The file that `ongi export` writes: one home's evidence, on its own or redacted.

The first line is the head: whose evidence it is, under which rules, and with which devices. Each
line after it is one event, in order of time. docs/protocol/evidence.md describes both.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from edge.evidence_fields import Fields
from edge.evidence_line import (
    LINE_MAX,
    Evidence,
    decode,
    decode_devices,
    encode,
    encode_device,
    loaded,
    moment,
    written,
)
from edge.evidence_rules import tables
from rules.device import Device
from rules.errors import ConfigError, FrameError, phrase, unreadable
from rules.rulebook import Preset, Rulebook, preset, rulebook

VERSION = 1
_FORMAT = "evidence"
_LINES_MAX = 5_000_000
"Many times what a gateway keeps."
_OURS = phrase("a file that `ongi export` wrote, as it wrote it")


@dataclass(frozen=True, slots=True)
class Head:
    """Whose evidence it is."""

    program: str
    "Version of the program that wrote it."
    redacted: bool
    gateway: str
    "Empty where that was redacted."
    zone: ZoneInfo
    preset: Preset
    book: Rulebook
    "As it was in force when the evidence was exported."
    trusted: bool
    "Whether the clock was trusted when the first event happened."
    devices: tuple[Device, ...]
    """When the first event happened; `DevicesChanged` tells of each change. Redacted ones have
    neither address nor model."""
    shifted: bool = False
    """All dates were moved by one number of whole weeks that was drawn by lot: weekdays and times
    of day are true, seasons are not."""


@dataclass(frozen=True, slots=True)
class Export:
    """One home's evidence."""

    head: Head
    events: tuple[Evidence, ...]
    "In order of `moment`: true time, as far as the gateway ever learnt it."


def read(path: Path) -> Export:
    """The evidence in a file.

    Raises:
        ConfigError: no such file, or a line that is none; the message names file and line.

    """
    lines = _lines(path)
    where, line = next(lines, (f"{path}:1", b""))
    try:
        head = _head(line, where)
        events: list[Evidence] = []
        for where, line in lines:  # noqa: B007 -- named by the error below
            events.append(_event(line, events[-1] if events else None))
    except FrameError as error:
        raise ConfigError(where, str(error), _OURS) from error
    return Export(head, tuple(events))


def dumped(export: Export) -> bytes:
    """The whole file."""
    documents: Iterable[dict[str, object]] = map(encode, export.events)
    return b"".join(written(each) + b"\n" for each in (_written_head(export.head), *documents))


def _lines(path: Path) -> Iterator[tuple[str, bytes]]:
    """Each line with its place, without its end."""
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(LINE_MAX + 1):
                number += 1
                if len(line) > LINE_MAX or number > _LINES_MAX:
                    raise ConfigError(
                        f"{path}:{number}", phrase("more than evidence can be"), _OURS
                    )
                yield f"{path}:{number}", line.rstrip(b"\r\n")
    except OSError as error:
        raise ConfigError(str(path), unreadable(error), phrase("name a readable file")) from error


def _event(line: bytes, before: Evidence | None) -> Evidence:
    event = decode(loaded(line))
    if before is not None and moment(event) < moment(before):
        raise FrameError("at: an earlier moment than on the line before")
    return event


def _head(line: bytes, where: str) -> Head:
    fields = Fields(loaded(line))
    if fields.word("ongi") != _FORMAT:
        raise FrameError("ongi: another kind of file")
    if fields.count("version") != VERSION:
        raise FrameError("version: of another version of the program")
    base = preset(fields.needed("preset"), f"{where}: preset")
    head = Head(
        program=fields.word("program"),
        redacted=fields.flag("redacted"),
        gateway=fields.word("gateway", ""),
        zone=_zone(fields.word("zone")),
        preset=base,
        book=rulebook(base, fields.needed("rules"), f"{where}: rules"),
        trusted=fields.flag("trusted"),
        devices=decode_devices(fields.needed("devices")),
        shifted=fields.flag("dates_shifted"),
    )
    fields.nothing_else()
    return head


def _written_head(head: Head) -> dict[str, object]:
    return {
        "ongi": _FORMAT,
        "version": VERSION,
        "program": head.program,
        "redacted": head.redacted,
        "dates_shifted": head.shifted,
        **({"gateway": head.gateway} if head.gateway else {}),
        "zone": head.zone.key,
        "preset": head.preset.value,
        "rules": tables(head.book),
        "trusted": head.trusted,
        "devices": [encode_device(device) for device in head.devices],
    }


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise FrameError(f"zone: {name!r:.60}, where a time zone's name belongs") from error
