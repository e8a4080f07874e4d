"""Cases as people work on them: read, taken, noted, closed, and told to the gateway."""

import sqlite3
from collections.abc import Callable, Iterable
from datetime import datetime

from central.cases import (
    AuditEntry,
    Case,
    CaseConflict,
    CaseState,
    Condition,
    HistoryEntry,
    HistoryWhat,
    NoSuchCase,
    Which,
)
from central.sql.gateways import home_of
from central.sql.people import add_audit
from central.sql.values import at, explanation, sentences, us
from protocol.heartbeat import News, NewsKind
from rules.alarm import AlarmKind, Category
from rules.codec import moment_at, moment_us
from rules.events import Outcome
from rules.sentence import Explanation

_CASE = (
    "select cases.id, cases.gateway, gateways.name, address, phone, residents, note, category,"
    " alarm, scope, level, explanation, room, activity, drill, wall, cases.time_trusted,"
    " persisted_at, state, taken_by, taken_at, closed_by, closed_at, outcome, condition"
    " from cases join gateways on gateways.gateway = cases.gateway"
)
_URGENT_FIRST = (
    " order by drill, state = 'taken', category <> 'escalation', category <> 'fault',"
    " level desc, persisted_at, id limit ?"
)
_NEWEST_FIRST = " order by persisted_at desc, id desc limit ?"


def case(connection: sqlite3.Connection, id_: str) -> Case:
    """One case with its history.

    Raises:
        NoSuchCase: none has this id.

    """
    row = connection.execute(f"{_CASE} where id = ?", (_key(id_),)).fetchone()
    if row is None:
        raise NoSuchCase(id_)
    return _cases(connection, [row])[0]


def cases(
    connection: sqlite3.Connection,
    *,
    which: Which,
    category: Category | None,
    gateway: str | None,
    limit: int,
    before: str | None,
) -> list[Case]:
    """Cases by filter: the open ones most urgent first, all others newest first."""
    conditions = {
        Which.OPEN: ["state <> 'closed'"],
        Which.CLOSED: ["state = 'closed'"],
        Which.ALL: [],
    }[which].copy()
    values: list[object] = []
    if category is not None:
        conditions.append("category = ?")
        values.append(category)
    if gateway is not None:
        conditions.append("cases.gateway = ?")
        values.append(gateway)
    if before is not None and which is not Which.OPEN:
        conditions.append("(persisted_at, id) < (select persisted_at, id from cases where id = ?)")
        values.append(_key(before))
    where = f" where {' and '.join(conditions)}" if conditions else ""
    order = _URGENT_FIRST if which is Which.OPEN else _NEWEST_FIRST
    return _cases(connection, connection.execute(_CASE + where + order, (*values, limit)))


def take(
    connection: sqlite3.Connection,
    id_: str,
    by: str,
    now: datetime,
    *,
    instead_of: str | None,
    random: Callable[[int], bytes],
) -> Case:
    """Give the case to `by`; once more for the same person changes nothing.

    Raises:
        NoSuchCase: none has this id.
        CaseConflict: somebody else than `instead_of` has it, or it is closed.

    """
    found = case(connection, id_)
    if found.state is CaseState.TAKEN and found.taken_by == by:
        return found
    handed_over = found.state is CaseState.TAKEN and found.taken_by == instead_of
    if found.state is not CaseState.WAITING and not handed_over:
        raise CaseConflict(found)
    connection.execute(
        "update cases set state = ?, taken_by = ?, taken_at = ?, changed_at = ? where id = ?",
        (CaseState.TAKEN, by, moment_us(now), moment_us(now), _key(id_)),
    )
    add_history(connection, _key(id_), HistoryEntry(now, HistoryWhat.TAKEN, by, "", ()))
    detail = f"instead of {instead_of}" if handed_over else ""
    add_audit(connection, AuditEntry(now, by, "case taken", id_, detail))
    if not handed_over:
        # The home only needs to know that a person is there, which it does already.
        _tell(connection, id_, News(random(8), _key(id_), NewsKind.TAKEN, by, None, now))
    return case(connection, id_)


def note(connection: sqlite3.Connection, id_: str, by: str, text: str, now: datetime) -> Case:
    """Add a person's words, also to a case that somebody else has or that is closed.

    Raises:
        NoSuchCase: none has this id.

    """
    case(connection, id_)
    add_history(connection, _key(id_), HistoryEntry(now, HistoryWhat.NOTE, by, text, ()))
    connection.execute("update cases set changed_at = ? where id = ?", (moment_us(now), _key(id_)))
    add_audit(connection, AuditEntry(now, by, "case noted", id_))
    return case(connection, id_)


def close(
    connection: sqlite3.Connection,
    id_: str,
    by: str,
    outcome: Outcome,
    text: str,
    now: datetime,
    *,
    random: Callable[[int], bytes],
) -> Case:
    """Close the case with its outcome; a waiting one is thereby taken as well.

    Raises:
        NoSuchCase: none has this id.
        CaseConflict: somebody else has it, or it is closed already.

    """
    found = case(connection, id_)
    if (found.state, found.closed_by, found.outcome) == (CaseState.CLOSED, by, outcome):
        return found
    if found.state is CaseState.CLOSED or (found.taken_by or by) != by:
        raise CaseConflict(found)
    connection.execute(
        "update cases set state = ?, taken_by = ?, taken_at = coalesce(taken_at, ?),"
        " closed_by = ?, closed_at = ?, outcome = ?, changed_at = ? where id = ?",
        (
            CaseState.CLOSED,
            by,
            moment_us(now),
            by,
            moment_us(now),
            outcome,
            moment_us(now),
            _key(id_),
        ),
    )
    add_history(connection, _key(id_), HistoryEntry(now, HistoryWhat.CLOSED, by, text, ()))
    add_audit(connection, AuditEntry(now, by, "case closed", id_, outcome))
    _tell(connection, id_, News(random(8), _key(id_), NewsKind.CLOSED, by, outcome, now))
    return case(connection, id_)


def raise_own(
    connection: sqlite3.Connection,
    id_: bytes,
    gateway: str,
    alarm: AlarmKind,
    why: Explanation,
    now: datetime,
) -> None:
    """Open a case of the center's own, or let the open one of this kind say so again."""
    old = connection.execute(
        "select id, condition from cases where gateway = ? and state <> 'closed'"
        " and own = 1 and alarm = ?",
        (gateway, alarm),
    ).fetchone()
    if old is not None:
        if old[1] != Condition.ACTIVE:
            _own_condition(connection, old[0], Condition.ACTIVE, now)
            add_history(connection, old[0], HistoryEntry(now, HistoryWhat.AGAIN, "", "", why))
        return
    connection.execute(
        "insert into cases (id, gateway, own, category, alarm, scope, level, explanation, room,"
        " activity, drill, wall, time_trusted, persisted_at, state, condition, newest_seq,"
        " changed_at) values (?, ?, 1, ?, ?, null, 1, ?, '', x'', 0, ?, 1, ?, ?, ?, 0, ?)",
        (
            id_,
            gateway,
            alarm.category,
            alarm,
            sentences(why),
            moment_us(now),
            moment_us(now),
            CaseState.WAITING,
            Condition.ACTIVE,
            moment_us(now),
        ),
    )
    add_history(connection, id_, HistoryEntry(now, HistoryWhat.PERSISTED, "", "", why))


def clear_own(
    connection: sqlite3.Connection,
    gateway: str,
    alarm: AlarmKind,
    why: Explanation,
    now: datetime,
) -> None:
    """Let the open case of this kind, if there is one, say that its cause is over."""
    for (id_,) in connection.execute(
        "select id from cases where gateway = ? and state <> 'closed' and own = 1"
        " and alarm = ? and condition = ?",
        (gateway, alarm, Condition.ACTIVE),
    ).fetchall():
        _own_condition(connection, id_, Condition.CLEARED, now)
        add_history(connection, id_, HistoryEntry(now, HistoryWhat.CLEARED, "", "", why))


def add_history(connection: sqlite3.Connection, case_id: bytes, entry: HistoryEntry) -> None:
    """Write one line of a case's history."""
    connection.execute(
        "insert into history (case_id, at, what, by, text, explanation, late)"
        " values (?, ?, ?, ?, ?, ?, ?)",
        (
            case_id,
            us(entry.at),
            entry.what,
            entry.by,
            entry.text,
            sentences(entry.explanation) if entry.explanation else b"",
            entry.late,
        ),
    )


def pending_news(connection: sqlite3.Connection, gateway: str, most: int) -> list[News]:
    """What the gateway has not yet said that it heard.

    Of people in danger first, since sirens and prompts wait for it; of these the oldest.
    """
    return [
        News(
            token,
            record,
            NewsKind(what),
            by,
            Outcome(outcome) if outcome else None,
            moment_at(when),
        )
        for token, record, what, by, outcome, when in connection.execute(
            "select token, record, what, by, news.outcome, at from news"
            " left join cases on cases.id = news.record where news.gateway = ?"
            " order by category is not 'escalation', entry limit ?",
            (gateway, most),
        )
    ]


def drop_news(connection: sqlite3.Connection, gateway: str, tokens: Iterable[bytes]) -> None:
    """Forget the news that the gateway says it heard."""
    connection.executemany(
        "delete from news where token = ? and gateway = ?",
        [(token, gateway) for token in tokens],
    )


def waits_for_people(connection: sqlite3.Connection, gateway: str, since: datetime) -> bool:
    """Tell whether people may act on a case of this gateway at any moment.

    True for open escalations, and for open faults and notes that changed after `since`: a fault
    may lie in the technicians' queue for weeks.
    """
    return (
        connection.execute(
            "select 1 from cases where gateway = ? and state <> 'closed' and own = 0"
            " and (category = 'escalation' or changed_at > ?) limit 1",
            (gateway, moment_us(since)),
        ).fetchone()
        is not None
    )


def _own_condition(
    connection: sqlite3.Connection, id_: bytes, condition: Condition, now: datetime
) -> None:
    connection.execute(
        "update cases set condition = ?, changed_at = ? where id = ?",
        (condition, moment_us(now), id_),
    )


def _tell(connection: sqlite3.Connection, id_: str, news: News) -> None:
    """Leave news for the gateway, unless the case is the center's own."""
    gateway, own = connection.execute(
        "select gateway, own from cases where id = ?", (_key(id_),)
    ).fetchone()
    if not own:
        connection.execute(
            "insert into news (token, gateway, record, what, by, outcome, at)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            (
                news.token,
                gateway,
                news.record,
                news.what,
                news.by,
                news.outcome,
                moment_us(news.at),
            ),
        )


def _key(id_: str) -> bytes:
    try:
        return bytes.fromhex(id_)
    except ValueError as error:
        raise NoSuchCase(id_) from error


def _cases(connection: sqlite3.Connection, rows: Iterable[sqlite3.Row]) -> list[Case]:
    return [_case(row, _history(connection, row["id"])) for row in list(rows)]


def _history(connection: sqlite3.Connection, case_id: bytes) -> tuple[HistoryEntry, ...]:
    return tuple(
        HistoryEntry(
            moment_at(row["at"]),
            HistoryWhat(row["what"]),
            row["by"],
            row["text"],
            explanation(row["explanation"]),
            bool(row["late"]),
        )
        for row in connection.execute(
            "select at, what, by, text, explanation, late from history"
            " where case_id = ? order by at, entry",
            (case_id,),
        )
    )


def _case(row: sqlite3.Row, history: tuple[HistoryEntry, ...]) -> Case:
    return Case(
        id=row["id"].hex(),
        gateway=row["gateway"],
        home=home_of(row),
        category=Category(row["category"]),
        alarm=AlarmKind(row["alarm"]),
        scope=row["scope"],
        level=row["level"],
        explanation=explanation(row["explanation"]),
        room=row["room"],
        activity=row["activity"],
        drill=bool(row["drill"]),
        wall=moment_at(row["wall"]),
        time_trusted=bool(row["time_trusted"]),
        persisted_at=moment_at(row["persisted_at"]),
        state=CaseState(row["state"]),
        taken_by=row["taken_by"],
        taken_at=at(row["taken_at"]),
        closed_by=row["closed_by"],
        closed_at=at(row["closed_at"]),
        outcome=None if row["outcome"] is None else Outcome(row["outcome"]),
        condition=Condition(row["condition"]),
        history=history,
    )
