"""What a journal's files hold, and out of damaged ones all that can be saved."""

import sqlite3
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cbor2

from edge.journal._carve import carve
from edge.journal._files import Files, Mark
from edge.journal._pages import in_memory, read_image
from edge.journal._rows import TABLES, VERSION, Contents, Entry, Fact, Value, proven
from rules.codec import parse
from rules.errors import FrameError
from rules.events import Escalated, Event, Updated

LOST = -1
"For a sequence: which sender numbers were used is not known."
_SEQUENCE_JUMP = 1 << 20
"More sender numbers than a gateway uses between two good copies."
_SERIAL_JUMP = 1_000
_BOOT_JUMP = 100
_STATE_STEP = 512


@dataclass(frozen=True, slots=True)
class Found:
    """What was in the journal, and how it came to be known."""

    contents: Contents
    events: tuple[Event, ...]
    "Those after the state, in order."
    sequence: int
    "OSCORE sender numbers below this may have been used, or `LOST`."
    in_place: bool
    "The file holds just this and can be written on."
    keep_old: bool
    "The file is damaged, and to be kept aside."
    damage: str
    "What was damaged and what was saved; empty if all is well."


@dataclass(frozen=True, slots=True)
class _Examined:
    contents: Contents | None
    "None if anything is damaged."
    events: tuple[Event, ...]
    damage: tuple[str, ...]
    versions: tuple[bytes, ...]


def recover(files: Files) -> Found:
    """Read the journal, writing nothing; out of damaged files save what can be saved."""
    mark = files.read_mark()
    newer = _examine(files.new, None)
    current = _examine(files.main, files.wal)
    if newer.contents is not None:
        # The last write anew was not finished. Nothing was written to the old file after it.
        keep_old = bool(current.damage) and files.main.exists()
        return _whole(newer.contents, newer.events, mark, in_place=False, keep_old=keep_old)
    if current.contents is None:
        if not files.main.exists() and not files.wal.exists() and not files.existed():
            return _whole(Contents(), (), mark, in_place=False, keep_old=False)
        return _restore(files, mark, current)
    if mark and mark.in_use and not files.wal.exists():
        damaged = _Examined(None, (), ("its log is gone",), current.versions)
        return _restore(files, mark, damaged)
    return _whole(current.contents, current.events, mark, in_place=True, keep_old=False)


def undamaged(contents: Contents, noted: int) -> Found:
    """What is found on a medium that never damages a row, with the sequence noted beside it."""
    events, left_out = _events(contents)
    assert not left_out, "a gap among whole entries"
    return _whole(contents, events, Mark(noted, in_use=True), in_place=True, keep_old=False)


def _whole(
    contents: Contents,
    events: tuple[Event, ...],
    mark: Mark | None,
    *,
    in_place: bool,
    keep_old: bool,
) -> Found:
    """An undamaged journal."""
    sequence = contents.number(Fact.SEQUENCE) or 0
    if mark and sequence != LOST:
        # It is the mark that is written first.
        sequence = max(sequence, mark.sequence)
    return Found(contents, events, sequence, in_place, keep_old, "")


def _examine(main: Path, wal: Path | None) -> _Examined:
    """Read one file with its log, and check all of it."""
    try:
        content = main.read_bytes() if main.exists() else None
        log = wal.read_bytes() if wal and wal.exists() else None
    except OSError as error:
        return _Examined(None, (), (f"cannot be read: {error.strerror}",), ())
    if content is None and log is None:
        return _Examined(None, (), ("missing",), ())
    image = read_image(content or b"", log)
    if image.damage:
        return _Examined(None, (), image.damage, image.versions)
    database = sqlite3.connect(":memory:", isolation_level=None)
    try:
        database.deserialize(in_memory(image.versions[0]))
        contents = _checked(database)
        events, left_out = _events(contents)
    except (sqlite3.Error, FrameError) as error:
        return _Examined(None, (), (str(error),), image.versions)
    finally:
        database.close()
    if left_out:
        return _Examined(None, (), (f"{left_out} entries cannot be joined",), image.versions)
    return _Examined(contents, events, (), image.versions)


def _checked(database: sqlite3.Connection) -> Contents:
    """All rows, if the structure and each of them are sound.

    Raises:
        sqlite3.Error, FrameError: they are not.

    """
    for (verdict,) in database.execute("PRAGMA quick_check(1)"):
        if verdict != "ok":
            raise FrameError(verdict)
    schema = dict(database.execute("SELECT name, sql FROM sqlite_master").fetchall())
    [(version,)] = database.execute("PRAGMA user_version").fetchall()
    if version != VERSION or schema != {table.name: table.create for table in TABLES.values()}:
        raise FrameError("its tables are not those of this program")
    contents, wrong = Contents(), 0
    for kind, table in TABLES.items():
        for columns in database.execute(table.select):
            put = proven(columns)
            if put is None or type(put.row) is not kind:
                wrong += 1
            else:
                contents.make([put])
    if wrong:
        raise FrameError(f"{wrong} rows have a wrong checksum")
    return contents


def _events(contents: Contents) -> tuple[tuple[Event, ...], int]:
    """Events after the state up to the first gap, and how many entries lie behind that.

    What lies behind a gap need not follow from what lies before: the engine would refuse it.
    """
    events: list[Event] = []
    following = contents.state.upto + 1 if contents.state else 1
    while following in contents.entries:
        try:
            events += _decoded(contents.entries[following])
        except FrameError:
            break
        following += 1
    return tuple(events), sum(n >= following for n in contents.entries)


def _decoded(entry: Entry) -> list[Event]:
    try:
        values = cbor2.loads(entry.body)
    except (cbor2.CBORError, ValueError, TypeError) as error:
        raise FrameError(f"no entry: {error!r:.80}") from error
    if not isinstance(values, list):
        raise FrameError("no entry")
    return [parse(value, Event) for value in values]  # type: ignore[arg-type]  # a union is no type


def _restore(files: Files, mark: Mark | None, current: _Examined) -> Found:
    """A journal of all rows that prove themselves, in the damaged file or in the good copy."""
    good = _examine(files.good, None)
    contents = _merged([carve(version) for version in (*current.versions, *good.versions)])
    events, left_out = _events(contents)
    for n in sorted(contents.entries)[len(contents.entries) - left_out :]:
        del contents.entries[n]
    damage = [f"{files.main.name}: {', '.join(current.damage)}"]
    if good.damage and (good.versions or not current.versions):
        damage.append(f"{files.good.name}: {', '.join(good.damage)}")
    if contents:
        waiting = sum(held.delivered is None for held in contents.outbox.values())
        state = "the state" if contents.state else "no state"
        damage.append(f"saved: {state}, {len(events)} events after it, {waiting} waiting records")
    else:
        damage.append("nothing could be saved: started empty")
    if left_out:
        damage.append(f"{left_out} entries behind a gap were left out")
    _move_on(contents, mark, events)
    return Found(
        contents,
        events,
        contents.number(Fact.SEQUENCE) or 0,
        in_place=False,
        keep_old=files.main.exists() or files.wal.exists(),
        damage="; ".join(damage),
    )


def _merged(sources: Sequence[Contents]) -> Contents:
    """Rows of all sources; where two know one row, the earlier source is the newer."""
    merged = Contents()
    for source in sources:
        merged.offer(source)
    # But for the state: a log that ends early hides a newer one in the file.
    states = [source.state for source in sources if source.state]
    if states:
        merged.states[1] = max(states, key=lambda state: (state.upto, state.at))
    return merged


def _move_on(contents: Contents, mark: Mark | None, events: Sequence[Event]) -> None:
    """Let numbers go on where none can have been used, by rows that are lost either."""
    sequence = contents.number(Fact.SEQUENCE)
    if mark:
        sequence = mark.sequence
    elif sequence is None or sequence == LOST:
        sequence = LOST
    else:
        sequence += _SEQUENCE_JUMP
    serial = next_serial(contents, events) + _SERIAL_JUMP
    boot = (contents.number(Fact.BOOT) or 0) + _BOOT_JUMP
    contents.facts[Fact.SEQUENCE] = Value(sequence)
    contents.facts[Fact.SERIAL] = Value(serial)
    contents.facts[Fact.BOOT] = Value(boot)


def next_serial(contents: Contents, events: Sequence[Event]) -> int:
    """The first serial that no record and no event has."""
    told = [event.serial for event in events if isinstance(event, Escalated | Updated)]
    return max(contents.number(Fact.SERIAL) or 1, *(n + 1 for n in (*contents.outbox, *told, 0)))


def deflated(snapshot: bytes) -> bytes:
    """The engine's state as it is saved.

    Padded: a row of the same size as before is written over it, and the list of free pages stays
    as it is.
    """
    body = zlib.compress(snapshot)
    return body.ljust(-(-len(body) // _STATE_STEP) * _STATE_STEP, b"\0")


def inflated(contents: Contents) -> bytes | None:
    """The engine's state as it was saved."""
    return zlib.decompressobj().decompress(contents.state.body) if contents.state else None
