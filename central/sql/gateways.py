"""Gateways: their keys, their homes, their pulse, and the numbers used up towards them."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from central.cases import AuditEntry, GatewayRow, Home
from central.sql.people import add_audit
from central.sql.values import at, us
from protocol.identity import GatewayEntry
from rules.codec import moment_us


class GatewayExists(ValueError):  # noqa: N818 -- says what is the matter, as `LinkLost` does
    """The gateway is enrolled already, or its key id is another one's."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a gateway last said of itself, and what it was told."""

    heard_at: datetime
    interval_s: int
    outbox_depth: int
    time_trusted: bool
    version: str


def revision(connection: sqlite3.Connection) -> int:
    """Rises whenever `enrolled` answers differently in its keys."""
    found: int = connection.execute("select revision from center").fetchone()[0]
    return found


def enrolled(connection: sqlite3.Connection) -> list[GatewayEntry]:
    """All gateways with their keys."""
    return [
        GatewayEntry(
            gateway=row["gateway"],
            kid=row["kid"],
            master_secret=row["master_secret"],
            master_salt=row["master_salt"],
            public_key=row["public_key"],
        )
        for row in connection.execute("select * from gateways")
    ]


def enrol(
    connection: sqlite3.Connection,
    entry: GatewayEntry,
    home: Home,
    by: str,
    now: datetime,
    *,
    replace_keys: bool,
) -> None:
    """Take a gateway in; with `replace_keys` a known one gets new keys and keeps its cases.

    Raises:
        GatewayExists: it is enrolled and `replace_keys` is false, or the kid is another's.

    """
    known = connection.execute(
        "select gateway from gateways where gateway = ? or kid = ?", (entry.gateway, entry.kid)
    ).fetchall()
    others = [row["gateway"] for row in known if row["gateway"] != entry.gateway]
    if others or (known and not replace_keys):
        raise GatewayExists(others[0] if others else entry.gateway)
    keys = (entry.kid, entry.master_secret, entry.master_salt, entry.public_key)
    if known:
        connection.execute(
            "update gateways set kid = ?, master_secret = ?, master_salt = ?, public_key = ?,"
            " enrolled_at = ? where gateway = ?",
            (*keys, moment_us(now), entry.gateway),
        )
    else:
        connection.execute(
            "insert into gateways (kid, master_secret, master_salt, public_key, gateway,"
            " enrolled_at, name, address, phone, residents, note)"
            " values (?, ?, ?, ?, ?, ?, '', '', '', '', '')",
            (*keys, entry.gateway, moment_us(now)),
        )
    set_home(connection, replace(home, gateway=entry.gateway))
    connection.execute("update center set revision = revision + 1")
    what = "gateway keys replaced" if known else "gateway enrolled"
    add_audit(connection, AuditEntry(now, by, what, entry.gateway))


def set_home(connection: sqlite3.Connection, home: Home) -> None:
    """Write a home's card anew."""
    connection.execute(
        "update gateways set name = ?, address = ?, phone = ?, residents = ?, note = ?"
        " where gateway = ?",
        (home.name, home.address, home.phone, home.residents, home.note, home.gateway),
    )


def sequence(connection: sqlite3.Connection) -> int:
    """OSCORE sender numbers below this may have been used."""
    found: int = connection.execute("select sequence from center").fetchone()[0]
    return found


def reserve(connection: sqlite3.Connection, upto: int) -> None:
    """Note that sender numbers below `upto` may be used; it never falls."""
    connection.execute("update center set sequence = max(sequence, ?)", (upto,))


def keep_pulses(connection: sqlite3.Connection, pulses: Iterable[tuple[str, Pulse]]) -> None:
    """Write down when gateways were last heard."""
    connection.executemany(
        "update gateways set last_heartbeat = ?, interval_s = ?, outbox_depth = ?,"
        " time_trusted = ?, version = ? where gateway = ?",
        [
            (
                us(pulse.heard_at),
                pulse.interval_s,
                pulse.outbox_depth,
                pulse.time_trusted,
                pulse.version,
                gateway,
            )
            for gateway, pulse in pulses
        ],
    )


def set_silent(connection: sqlite3.Connection, gateway: str, since: datetime | None) -> bool:
    """Note since when the gateway is silent (None: heard again), and tell whether that is new."""
    changed = connection.execute(
        "update gateways set silent_since = ? where gateway = ?"
        " and (silent_since is null) = (? is not null)",
        (us(since), gateway, us(since)),
    ).rowcount
    return changed == 1


def rows(connection: sqlite3.Connection) -> list[GatewayRow]:
    """All gateways as they were last written down, by name of the home."""
    return [
        GatewayRow(
            gateway=row["gateway"],
            home=home_of(row),
            last_heartbeat=at(row["last_heartbeat"]),
            interval_s=row["interval_s"],
            silent=row["silent_since"] is not None,
            outbox_depth=row["outbox_depth"],
            time_trusted=bool(row["time_trusted"]),
            version=row["version"],
            open_cases=row["open_cases"],
        )
        for row in connection.execute(
            "select *, (select count(*) from cases where cases.gateway = gateways.gateway"
            " and state <> 'closed' and category <> 'note') as open_cases"
            " from gateways order by name, gateway"
        )
    ]


def home_of(row: sqlite3.Row) -> Home:
    """The home's card out of a row that has its columns."""
    return Home(
        row["gateway"],
        row["name"],
        row["address"],
        row["phone"],
        row["residents"],
        row["note"],
    )
