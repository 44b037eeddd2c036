"""Many rows are written by one statement, and by several when one cannot take them all."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from syncd.ledger.statements import MOST_VARIABLES, write_rows

NUMBERS = [(number, f"{number}") for number in range(MOST_VARIABLES)]  # two variables each


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        opened.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)  # the default
        opened.execute("CREATE TABLE number (n INTEGER PRIMARY KEY, text TEXT, kind TEXT) STRICT")
        yield opened


def test_all_rows_are_written_however_many_there_are(db: sqlite3.Connection) -> None:
    statement = "INSERT INTO number (n, text) VALUES {rows}"
    assert write_rows(db, statement, NUMBERS) == len(NUMBERS)
    assert db.execute("SELECT n, text FROM number ORDER BY n").fetchall() == NUMBERS


def test_only_the_rows_that_were_written_are_counted(db: sqlite3.Connection) -> None:
    statement = "INSERT INTO number (n, text) VALUES {rows} ON CONFLICT DO NOTHING"
    assert write_rows(db, statement, NUMBERS[:3]) == 3
    assert write_rows(db, statement, [*NUMBERS[2:5], NUMBERS[4]]) == 2
    assert write_rows(db, statement, []) == 0


def test_each_statement_has_the_constants(db: sqlite3.Connection) -> None:
    statement = """
        WITH given (n, text) AS (VALUES {rows})
        INSERT INTO number (n, text, kind)
        SELECT given.n + ?1, given.text, ?2 FROM given
    """
    write_rows(db, statement, NUMBERS, 1000, "even")
    found = db.execute("SELECT n - 1000, text FROM number WHERE kind = 'even' ORDER BY n")
    assert found.fetchall() == NUMBERS
