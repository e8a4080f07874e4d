"""The rows of the journal, each with its own checksum in the file.

SQLite notices a broken page structure but no flipped bit inside a value, so each row carries a
CRC-32 over its table, key and columns.
"""

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

import cbor2

PAGE = 1024
"Bytes. A commit writes whole pages: small ones cost half the device bytes of SQLite's 4,096."
VERSION = 1


class Entry(NamedTuple):
    """One append; its key rises by one with each."""

    at: int
    "Microseconds since 1970 UTC, as all moments here."
    body: bytes
    "CBOR array of hard events."


class State(NamedTuple):
    """The engine's state; its key is 1."""

    upto: int
    "Key of the last entry that it includes."
    at: int
    body: bytes
    "A snapshot, deflated."


class Held(NamedTuple):
    """A record of the outbox; its key is its seq."""

    id: bytes
    priority: int
    delivered: int | None
    "When the center had persisted it; None while it waits."
    signed: bytes


class Value(NamedTuple):
    """A single value; its key is a `Fact`."""

    value: int | bytes


class Fact(IntEnum):
    """What a single value says."""

    BOOT = 1
    SEQUENCE = 2
    "OSCORE sender numbers below this may have been used."
    NEWS = 3
    "Tokens of eight bytes, the newest first."
    SERIAL = 4
    "Serials below this may have been used, though no row shows it."


Row = Entry | State | Held | Value
Column = int | bytes | None


class Table(NamedTuple):
    """One kind of row in SQL. No two tables have as many columns: that tells carved rows apart."""

    name: str
    create: str
    select: str
    put: str
    "Not REPLACE: an update leaves a row of equal size where it is, and writes half the pages."
    drop: str


TABLES: dict[type[Row], Table] = {
    Value: Table(
        "fact",
        "CREATE TABLE fact (name INTEGER PRIMARY KEY, value, sum INTEGER)",
        "SELECT * FROM fact",
        "INSERT INTO fact VALUES (?, ?, ?) ON CONFLICT DO UPDATE"
        " SET value = excluded.value, sum = excluded.sum",
        "DELETE FROM fact WHERE name = ?",
    ),
    Entry: Table(
        "entry",
        "CREATE TABLE entry (n INTEGER PRIMARY KEY, at INTEGER, body BLOB, sum INTEGER)",
        "SELECT * FROM entry",
        "INSERT INTO entry VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
        " SET at = excluded.at, body = excluded.body, sum = excluded.sum",
        "DELETE FROM entry WHERE n = ?",
    ),
    State: Table(
        "state",
        "CREATE TABLE state"
        " (one INTEGER PRIMARY KEY, upto INTEGER, at INTEGER, body BLOB, sum INTEGER)",
        "SELECT * FROM state",
        "INSERT INTO state VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
        " SET upto = excluded.upto, at = excluded.at, body = excluded.body, sum = excluded.sum",
        "DELETE FROM state WHERE one = ?",
    ),
    Held: Table(
        "outbox",
        "CREATE TABLE outbox (seq INTEGER PRIMARY KEY,"
        " id BLOB, priority INTEGER, delivered INTEGER, signed BLOB, sum INTEGER)",
        "SELECT * FROM outbox",
        "INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
        " SET id = excluded.id, priority = excluded.priority, delivered = excluded.delivered,"
        " signed = excluded.signed, sum = excluded.sum",
        "DELETE FROM outbox WHERE seq = ?",
    ),
}


@dataclass(frozen=True, slots=True)
class Put:
    """Write one row, whether its key is there or not."""

    key: int
    row: Row


@dataclass(frozen=True, slots=True)
class Drop:
    """Delete one row, if it is there."""

    kind: type[Row]
    key: int


Change = Put | Drop
"Names its row by key, so that making it twice does no harm."


@dataclass(slots=True)
class Contents:
    """All rows by key."""

    entries: dict[int, Entry] = field(default_factory=dict)
    states: dict[int, State] = field(default_factory=dict)
    outbox: dict[int, Held] = field(default_factory=dict)
    facts: dict[int, Value] = field(default_factory=dict)

    @property
    def state(self) -> State | None:
        """The engine's state, None if none was ever saved."""
        return self.states.get(1)

    def number(self, fact: Fact) -> int | None:
        """A single value that is a number, None if it is not there."""
        held = self.facts.get(fact)
        return held.value if held and isinstance(held.value, int) else None

    def octets(self, fact: Fact) -> bytes:
        """A single value that is bytes, empty if it is not there."""
        held = self.facts.get(fact)
        return held.value if held and isinstance(held.value, bytes) else b""

    def __bool__(self) -> bool:
        return bool(self.entries or self.states or self.outbox or self.facts)

    def make(self, changes: Iterable[Change]) -> None:
        """Change the rows."""
        for change in changes:
            if isinstance(change, Drop):
                self._of(change.kind).pop(change.key, None)
            else:
                self._of(type(change.row))[change.key] = change.row

    def offer(self, other: "Contents") -> None:
        """Take over the rows whose keys are not here yet."""
        for put in other.puts():
            self._of(type(put.row)).setdefault(put.key, put.row)

    def puts(self) -> Iterator[Put]:
        """What writes all of it into an empty journal."""
        for kind in TABLES:
            for key, row in sorted(self._of(kind).items()):
                yield Put(key, row)

    def image(self) -> bytes:
        """All of it as an SQLite database."""
        database = sqlite3.connect(":memory:", isolation_level=None)
        try:
            database.execute(f"PRAGMA page_size = {PAGE}")
            for table in TABLES.values():
                database.execute(table.create)
            database.execute(f"PRAGMA user_version = {VERSION}")
            transact(database, self.puts())
            return database.serialize()
        finally:
            database.close()

    def _of(self, kind: type[Row]) -> dict[int, Row]:
        rows: dict[type[Row], object] = {
            Entry: self.entries,
            State: self.states,
            Held: self.outbox,
            Value: self.facts,
        }
        return rows[kind]  # type: ignore[return-value]  # each kind is only put among its like


def transact(database: sqlite3.Connection, changes: Iterable[Change]) -> None:
    """Make all changes or none.

    Raises:
        sqlite3.Error: none was made.

    """
    database.execute("BEGIN IMMEDIATE")
    try:
        for change in changes:
            match change:
                case Drop(kind, key):
                    database.execute(TABLES[kind].drop, (key,))
                case Put(key, row):
                    database.execute(TABLES[type(row)].put, (key, *row, _checksum(key, row)))
        database.execute("COMMIT")
    except sqlite3.Error:
        # SQLite has rolled back by itself where the disk is full.
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def proven(columns: Sequence[object]) -> Put | None:
    """A row as the file has it, with key and checksum; None if it does not prove itself."""
    match columns:
        case [int(key), *values, int(checksum)]:
            row = _row(values)
            if row is not None and _checksum(key, row) == checksum:
                return Put(key, row)
    return None


def _row(values: list[object]) -> Row | None:
    match values:
        case [int() | bytes() as value]:
            return Value(value)
        case [int(at), bytes(body)]:
            return Entry(at, body)
        case [int(upto), int(at), bytes(body)]:
            return State(upto, at, body)
        case [bytes(id_), int(priority), int() | None as delivered, bytes(signed)]:
            return Held(id_, priority, delivered, signed)
    return None


def _checksum(key: int, row: Row) -> int:
    # Signed, so that nearly all take four bytes in the file: rows of equal size stay so.
    return zlib.crc32(cbor2.dumps([TABLES[type(row)].name, key, *row])) - (1 << 31)
