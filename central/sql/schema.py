"""The database file: its tables, its version, and how a connection to it is made."""

import os
import sqlite3
from pathlib import Path

from rules.errors import ConfigError, phrase

VERSION = 1
"What this program writes; stands in the file as `user_version`."
_APPLICATION = 0x4F4E4743
"`ONGC`, so that `file` and a mistaken restore can tell the file from another database."

_TABLES = """
create table gateways (
  gateway text primary key,
  kid blob not null unique,
  master_secret blob not null,
  master_salt blob not null,
  public_key blob not null,
  enrolled_at integer not null,
  name text not null, address text not null, phone text not null,
  residents text not null, note text not null,
  silent_since integer,
  last_heartbeat integer,
  interval_s integer not null default 0,
  outbox_depth integer not null default 0,
  time_trusted integer not null default 0,
  version text not null default ''
) strict;

-- Every record ever acknowledged, as it was signed. The rest of the file could be made from it,
-- except for what people did.
create table records (
  arrival integer primary key,
  id blob not null unique,
  gateway text not null references gateways,
  seq integer not null,
  kind integer not null,
  refers blob,
  signed blob not null,
  persisted_at integer not null,
  reused integer not null  -- 1: the gateway had used this number before, for another record
) strict;
create index records_by_seq on records (gateway, seq);
create index records_by_case on records (refers) where refers is not null;

create table cases (
  id blob primary key,
  gateway text not null references gateways,
  own integer not null,  -- 1: found by the center itself; the gateway knows nothing of it
  category text not null,
  alarm text not null,
  scope text,
  level integer not null,
  explanation blob not null,
  room text not null,
  activity blob not null,
  drill integer not null,
  wall integer not null,
  time_trusted integer not null,
  persisted_at integer not null,
  state text not null,
  taken_by text, taken_at integer,
  closed_by text, closed_at integer, outcome text,
  condition text not null,
  newest_seq integer not null,  -- of the newest record applied to it
  changed_at integer not null
) strict, without rowid;
create index cases_by_time on cases (persisted_at, id);
create index cases_open on cases (gateway) where state <> 'closed';

-- Updates that were quicker than the record that opens their case.
create table early (
  id blob primary key references records (id),
  refers blob not null,
  gateway text not null,
  seq integer not null,
  stage text not null,
  level integer not null,
  explanation blob not null,
  at integer not null,
  reused integer not null
) strict, without rowid;
create index early_by_case on early (refers);

create table history (
  entry integer primary key,
  case_id blob not null references cases,
  at integer not null,
  what text not null,
  by text not null,
  text text not null,
  explanation blob not null,
  late integer not null
) strict;
create index history_by_case on history (case_id);

-- What a gateway has not yet said that it heard.
create table news (
  entry integer primary key,
  token blob not null unique,
  gateway text not null references gateways,
  record blob not null,
  what text not null,
  by text not null,
  outcome text,
  at integer not null
) strict;
create index news_by_gateway on news (gateway);

create table users (
  name text primary key,
  password_hash text not null,
  role text not null,
  created_at integer not null
) strict;

create table sessions (
  token_hash blob primary key,
  user text not null references users on delete cascade,
  created_at integer not null,
  expires_at integer not null
) strict, without rowid;

create table audit (
  entry integer primary key,
  at integer not null,
  who text not null,
  what text not null,
  target text not null,
  detail text not null
) strict;

create table center (
  revision integer not null,  -- rises with the gateways' keys, so that a running center notices
  sequence integer not null  -- OSCORE sender numbers below this may have been used
) strict;
insert into center values (0, 0);
"""

_LATER = (
    # Lists of one category, newest first: notes are rare among many thousands of closed faults.
    "create index if not exists cases_by_category on cases (category, persisted_at, id)",
)
"What files of the same version may lack: programs that do not know it get along."


def connect(path: Path) -> sqlite3.Connection:
    """A connection for one thread, in autocommit mode, with durable commits.

    Raises:
        ConfigError: the file is no center's, is damaged, or was written by a newer program.
        OSError: it cannot be opened.

    """
    try:
        connection = sqlite3.connect(
            path, isolation_level=None, timeout=10, check_same_thread=False
        )
    except sqlite3.OperationalError as error:
        raise OSError(f"{path}: {error}") from error
    try:
        _set_up(connection)
        _check(connection, str(path))
    except sqlite3.DatabaseError as error:
        connection.close()
        if isinstance(error, sqlite3.OperationalError):
            raise OSError(f"{path}: {error}") from error
        found = phrase("a damaged database ({error})", error=error)
        right = phrase("put it aside and restore a backup: ongi center restore")
        raise ConfigError(str(path), found, right) from error
    except ConfigError:
        connection.close()
        raise
    return connection


def create(path: Path) -> None:
    """Make the file, readable by its owner alone, unless it is there.

    Raises:
        ConfigError: as `connect`.
        OSError: it cannot be made.

    """
    # Keys and people's homes are in it: the mode is right from the first byte on.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    connection = connect(path)
    try:
        _make_tables(connection)
    except sqlite3.OperationalError as error:
        # Another process may have been quicker by a moment.
        if _version(connection) != VERSION:
            raise OSError(f"{path}: {error}") from error
    finally:
        connection.close()


def furnish(connection: sqlite3.Connection) -> None:
    """Make an open connection what `connect` gives, with the tables unless they are there.

    For a database that is no file of ours: in memory, where the log and its flushes mean nothing.

    Raises:
        ConfigError: it is no center's, or was written by a newer program.

    """
    connection.isolation_level = None
    _set_up(connection)
    _check(connection, "the connection's database")
    _make_tables(connection)


def _set_up(connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    # A commit is reported only when it is on the medium: WAL with FULL syncs at each.
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.execute("pragma foreign_keys = on")
    connection.execute("pragma journal_size_limit = 16777216")


def _make_tables(connection: sqlite3.Connection) -> None:
    if _version(connection) == 0:
        connection.executescript(
            f"begin immediate; {_TABLES}; pragma application_id = {_APPLICATION};"
            f" pragma user_version = {VERSION}; commit"
        )
    for statement in _LATER:
        connection.execute(statement)


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("pragma user_version").fetchone()[0]
    return version


def _check(connection: sqlite3.Connection, where: str) -> None:
    version = _version(connection)
    application: int = connection.execute("pragma application_id").fetchone()[0]
    tables: int = connection.execute("select count(*) from sqlite_schema").fetchone()[0]
    if (version or tables) and application != _APPLICATION:
        right = phrase("name a center's file")
        raise ConfigError(where, phrase("another program's database"), right)
    if version > VERSION:
        right = phrase(
            "this program knows schemas up to {most}; install the newer one", most=VERSION
        )
        raise ConfigError(where, phrase("schema {n}", n=version), right)
