"""The same database in memory as in a file."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from central.sql.schema import connect, create, furnish
from rules.errors import ConfigError


@pytest.fixture
def memory() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        yield connection


def content(connection: sqlite3.Connection) -> list[str]:
    return list(connection.iterdump())


def test_memory_is_furnished_as_a_file_is(memory: sqlite3.Connection, tmp_path: Path) -> None:
    path = tmp_path / "center.sqlite"
    create(path)
    furnish(memory)
    with closing(connect(path)) as file:
        assert content(memory) == content(file)
        for pragma in ("user_version", "application_id", "foreign_keys"):
            ours, theirs = (
                tuple(each.execute(f"pragma {pragma}").fetchone()) for each in (memory, file)
            )
            assert ours == theirs != (0,)
        assert (memory.isolation_level, memory.row_factory) == (None, file.row_factory)


def test_what_is_there_stays(memory: sqlite3.Connection) -> None:
    furnish(memory)
    memory.execute("update center set revision = 7")
    with closing(sqlite3.connect(":memory:")) as copy:
        memory.backup(copy)
        furnish(copy)
        assert content(copy) == content(memory)


def test_a_file_of_an_earlier_program_gets_what_finds_its_closed_cases(tmp_path: Path) -> None:
    path = tmp_path / "center.sqlite"
    create(path)
    with closing(connect(path)) as earlier:
        whole = content(earlier)
        earlier.execute("drop index cases_by_category")
    create(path)
    with closing(connect(path)) as file:
        assert content(file) == whole
        plan = file.execute(
            "explain query plan select id from cases where state = 'closed' and category = ?"
            " order by persisted_at desc, id desc limit 51",
            ("note",),
        ).fetchall()
    # Rare notes among many alarms: without sorting, and without looking at the alarms.
    assert [row["detail"] for row in plan] == [
        "SEARCH cases USING INDEX cases_by_category (category=?)"
    ]


def test_another_program_s_is_left_alone(memory: sqlite3.Connection) -> None:
    memory.execute("create table cake (slice)")
    with pytest.raises(ConfigError, match="another program's"):
        furnish(memory)
    assert content(memory) == ["BEGIN TRANSACTION;", "CREATE TABLE cake (slice);", "COMMIT;"]
