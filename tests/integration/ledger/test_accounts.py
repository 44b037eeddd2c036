"""The recorded calls of an account while the wall clock is wrong."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from syncd.ledger import accounts, schema
from syncd.ledger.accounts import SpentCall
from syncd.model import AccountId

ACCOUNT, NOW, HOUR = AccountId("1"), 1e9, 3600.0


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        schema.create(opened)
        yield opened


def record(db: sqlite3.Connection, at: float) -> None:
    accounts.record_call(ACCOUNT, SpentCall(at, 1, 1), HOUR)(db)


def recent(db: sqlite3.Connection, now: float) -> list[float]:
    return [call.at for call in accounts.recent_calls(ACCOUNT, now, HOUR)(db)]


def test_a_call_recorded_by_a_clock_that_was_ahead_is_not_spent_at_every_start(
    db: sqlite3.Connection,
) -> None:
    record(db, NOW + 1000 * HOUR)
    assert recent(db, NOW) == []
    record(db, NOW)
    assert db.execute("SELECT at FROM api_call").fetchall() == [(NOW,)]


def test_a_call_stays_spent_after_the_clock_was_set_back(db: sqlite3.Connection) -> None:
    record(db, NOW)
    record(db, NOW - 600)
    assert recent(db, NOW - 600) == [NOW - 600, NOW]


def test_a_call_is_forgotten_after_its_window(db: sqlite3.Connection) -> None:
    record(db, NOW - HOUR - 1)
    assert recent(db, NOW) == []
    record(db, NOW)
    assert db.execute("SELECT at FROM api_call").fetchall() == [(NOW,)]
