"""Users, their sessions, and the record of who did what."""

import sqlite3
from datetime import datetime

from central.cases import AuditEntry
from central.people import NoSuchUser, Role, Session, User, UserExists
from rules.codec import moment_at, moment_us


def add_user(connection: sqlite3.Connection, user: User, by: str) -> None:
    """Add a user.

    Raises:
        UserExists: the name is taken.

    """
    if find_user(connection, user.name) is not None:
        raise UserExists(user.name)
    connection.execute(
        "insert into users (name, password_hash, role, created_at) values (?, ?, ?, ?)",
        (user.name, user.password_hash, user.role, moment_us(user.created_at)),
    )
    add_audit(connection, AuditEntry(user.created_at, by, "user added", user.name, user.role))


def find_user(connection: sqlite3.Connection, name: str) -> User | None:
    """The user of this name."""
    row = connection.execute("select * from users where name = ?", (name,)).fetchone()
    return None if row is None else _user(row)


def users(connection: sqlite3.Connection) -> list[User]:
    """All users, by name."""
    return [_user(row) for row in connection.execute("select * from users order by name")]


def set_password(
    connection: sqlite3.Connection, name: str, password_hash: str, by: str, now: datetime
) -> None:
    """Give a user a new password and end all sessions under the old one.

    Raises:
        NoSuchUser: nobody has this name.

    """
    if find_user(connection, name) is None:
        raise NoSuchUser(name)
    connection.execute("update users set password_hash = ? where name = ?", (password_hash, name))
    connection.execute("delete from sessions where user = ?", (name,))
    add_audit(connection, AuditEntry(now, by, "password set", name))


def add_session(
    connection: sqlite3.Connection, token_hash: bytes, user: str, now: datetime, until: datetime
) -> None:
    """Begin a session; those that ran out are forgotten at the same time.

    Raises:
        NoSuchUser: nobody has this name.

    """
    if find_user(connection, user) is None:
        raise NoSuchUser(user)
    connection.execute("delete from sessions where expires_at <= ?", (moment_us(now),))
    connection.execute(
        "insert into sessions (token_hash, user, created_at, expires_at) values (?, ?, ?, ?)",
        (token_hash, user, moment_us(now), moment_us(until)),
    )
    add_audit(connection, AuditEntry(now, user, "login", user))


def find_session(
    connection: sqlite3.Connection, token_hash: bytes, now: datetime
) -> Session | None:
    """The session of this token, unless it ran out."""
    row = connection.execute(
        "select users.*, sessions.created_at as begun_at, expires_at from sessions"
        " join users on users.name = sessions.user where token_hash = ? and expires_at > ?",
        (token_hash, moment_us(now)),
    ).fetchone()
    if row is None:
        return None
    return Session(_user(row), moment_at(row["begun_at"]), moment_at(row["expires_at"]))


def drop_session(connection: sqlite3.Connection, token_hash: bytes) -> None:
    """End one session."""
    connection.execute("delete from sessions where token_hash = ?", (token_hash,))


def add_audit(connection: sqlite3.Connection, entry: AuditEntry) -> None:
    """Write down who did what."""
    connection.execute(
        "insert into audit (at, who, what, target, detail) values (?, ?, ?, ?, ?)",
        (moment_us(entry.at), entry.who, entry.what, entry.target, entry.detail),
    )


def audit(connection: sqlite3.Connection, limit: int) -> list[AuditEntry]:
    """The newest entries, newest first."""
    return [
        AuditEntry(moment_at(at), who, what, target, detail)
        for at, who, what, target, detail in connection.execute(
            "select at, who, what, target, detail from audit order by entry desc limit ?",
            (limit,),
        )
    ]


def _user(row: sqlite3.Row) -> User:
    return User(row["name"], row["password_hash"], Role(row["role"]), moment_at(row["created_at"]))
