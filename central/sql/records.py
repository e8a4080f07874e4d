"""Records from gateways: kept as signed, opened as cases, folded into them as updates."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from central.cases import CaseState, Condition, HistoryEntry, HistoryWhat
from central.gaps import Page, Span
from central.sql.cases import add_history
from central.sql.values import explanation, sentences
from protocol.records import Record, RecordKind
from rules.alarm import Category
from rules.codec import moment_at, moment_us
from rules.events import Stage
from rules.sentence import Explanation

_CATEGORIES = {
    RecordKind.ESCALATION: Category.ESCALATION,
    RecordKind.FAULT: Category.FAULT,
    RecordKind.NOTE: Category.NOTE,
}
_STAGES = {
    Stage.LEVEL: (Condition.ACTIVE, HistoryWhat.LEVEL),
    Stage.CLEARED: (Condition.CLEARED, HistoryWhat.CLEARED),
    Stage.CANCELLED: (Condition.CANCELLED, HistoryWhat.CANCELLED),
}
_LOOK = 10_000
"Records looked through in one question: twice as many as a gateway holds."


class RecordClash(ValueError):  # noqa: N818 -- says what is the matter, as `LinkLost` does
    """The id is known with other contents, or from another gateway."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of one record."""

    new: bool
    reused: bool = False
    "New, but the gateway had used its number before: an older memory card is back in it."


@dataclass(frozen=True, slots=True)
class _Update:
    id: bytes
    refers: bytes
    gateway: str
    seq: int
    stage: Stage
    level: int
    explanation: Explanation
    at: datetime
    reused: bool


def persist(
    connection: sqlite3.Connection,
    gateway: str,
    records: Sequence[tuple[Record, bytes]],
    now: datetime,
) -> list[Kept]:
    """Keep the records that are not known yet, each with its signed bytes, and act on them.

    Raises:
        RecordClash: an id is known otherwise; nothing of this call may be kept.

    """
    return [_persist(connection, gateway, record, signed, now) for record, signed in records]


def _persist(
    connection: sqlite3.Connection, gateway: str, record: Record, signed: bytes, now: datetime
) -> Kept:
    known = connection.execute(
        "select gateway, signed from records where id = ?", (record.id,)
    ).fetchone()
    if known is not None:
        if tuple(known) == (gateway, signed):
            return Kept(new=False)
        raise RecordClash(f"record {record.id.hex()} is known otherwise, from {known['gateway']}")
    if connection.execute("select 1 from cases where id = ?", (record.id,)).fetchone():
        raise RecordClash(f"record {record.id.hex()} has the id of a case of the center's own")
    reused = (
        connection.execute(
            "select 1 from records where gateway = ? and seq = ?", (gateway, record.seq)
        ).fetchone()
        is not None
    )
    connection.execute(
        "insert into records (id, gateway, seq, kind, refers, signed, persisted_at, reused)"
        " values (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            record.id,
            gateway,
            record.seq,
            int(record.kind),
            record.refers,
            signed,
            moment_us(now),
            reused,
        ),
    )
    if record.kind is RecordKind.UPDATE:
        _update(connection, gateway, record, now, reused=reused)
    else:
        _open(connection, gateway, record, now)
    return Kept(new=True, reused=reused)


def _open(connection: sqlite3.Connection, gateway: str, record: Record, now: datetime) -> None:
    connection.execute(
        "insert into cases (id, gateway, own, category, alarm, scope, level, explanation, room,"
        " activity, drill, wall, time_trusted, persisted_at, state, condition, newest_seq,"
        " changed_at) values (?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            record.id,
            gateway,
            _CATEGORIES[record.kind],
            record.alarm,
            record.scope,
            record.level,
            sentences(record.explanation),
            record.room,
            record.activity,
            record.drill,
            moment_us(record.wall),
            record.time_trusted,
            moment_us(now),
            CaseState.WAITING,
            Condition.ACTIVE,
            record.seq,
            moment_us(now),
        ),
    )
    entry = HistoryEntry(now, HistoryWhat.PERSISTED, gateway, "", record.explanation)
    add_history(connection, record.id, entry)
    early = connection.execute(
        "select * from early where refers = ? and gateway = ? order by seq",
        (record.id, gateway),
    ).fetchall()
    for row in early:
        update = _Update(
            row["id"],
            row["refers"],
            row["gateway"],
            row["seq"],
            Stage(row["stage"]),
            row["level"],
            explanation(row["explanation"]),
            moment_at(row["at"]),
            bool(row["reused"]),
        )
        _fold(connection, update)
        connection.execute("delete from early where id = ?", (update.id,))


def _update(
    connection: sqlite3.Connection, gateway: str, record: Record, now: datetime, *, reused: bool
) -> None:
    # The decoder lets no update pass without them.
    assert record.refers is not None
    assert record.stage is not None
    update = _Update(
        record.id,
        record.refers,
        gateway,
        record.seq,
        record.stage,
        record.level,
        record.explanation,
        now,
        reused,
    )
    opened = connection.execute(
        "select 1 from cases where id = ? and gateway = ? and own = 0", (record.refers, gateway)
    ).fetchone()
    if opened:
        _fold(connection, update)
    else:
        connection.execute(
            "insert into early values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                update.id,
                update.refers,
                gateway,
                update.seq,
                update.stage,
                update.level,
                sentences(update.explanation),
                moment_us(now),
                reused,
            ),
        )


def _fold(connection: sqlite3.Connection, update: _Update) -> None:
    """Let an update change its case, unless a newer one did already."""
    newest, state = connection.execute(
        "select newest_seq, state from cases where id = ?", (update.refers,)
    ).fetchone()
    # A number that was used before says nothing of the order: better believed than missed.
    late = update.seq < newest and not update.reused
    condition, what = _STAGES[update.stage]
    add_history(
        connection,
        update.refers,
        HistoryEntry(update.at, what, update.gateway, "", update.explanation, late),
    )
    changes: dict[str, object] = {"changed_at": moment_us(update.at)}
    if not late:
        changes |= {"condition": condition, "newest_seq": update.seq}
    if update.stage is Stage.LEVEL and not late:
        changes["explanation"] = sentences(update.explanation)
    columns = ", ".join(f"{column} = ?" for column in changes)
    connection.execute(
        f"update cases set {columns}, level = max(level, ?) where id = ?",  # noqa: S608 -- ours
        (*changes.values(), update.level, update.refers),
    )
    if update.stage is Stage.LEVEL and not late and state == CaseState.CLOSED:
        _wait_again(connection, update)


def _wait_again(connection: sqlite3.Connection, update: _Update) -> None:
    """Help was called for while the case was being closed: nobody may miss it."""
    connection.execute(
        "update cases set state = ?, taken_by = null, taken_at = null, closed_by = null,"
        " closed_at = null, outcome = null where id = ?",
        (CaseState.WAITING, update.refers),
    )
    # What was not heard yet is no longer true.
    connection.execute("delete from news where record = ?", (update.refers,))
    entry = HistoryEntry(update.at, HistoryWhat.AGAIN, update.gateway, "", ())
    add_history(connection, update.refers, entry)


def missing(
    connection: sqlite3.Connection, gateway: str, spans: Iterable[Span], most: int
) -> list[Page]:
    """Look through `spans`, one after the other, until `most` ranges are missing."""
    pages: list[Page] = []
    for span in spans:
        page = _page(connection, gateway, span, most)
        pages.append(page)
        most -= len(page.missing)
        if not most or page.span != span:
            break
    return pages


def _page(connection: sqlite3.Connection, gateway: str, span: Span, most: int) -> Page:
    """The newest ranges of `span` of which no record is kept, and down to where that is all."""
    first, last = span
    found: list[Span] = []
    upper = last
    rows = connection.execute(
        "select seq from records where gateway = ? and seq between ? and ?"
        " order by seq desc limit ?",
        (gateway, first, last, _LOOK),
    )
    count = 0
    for (seq,) in rows:
        count += 1
        if seq < upper:
            found.append((seq + 1, upper))
        upper = seq - 1
        if len(found) == most:
            return Page((seq, last), tuple(found))
    if count == _LOOK:
        return Page((upper + 1, last), tuple(found))
    if upper >= first:
        found.append((first, upper))
    return Page(span, tuple(found))
