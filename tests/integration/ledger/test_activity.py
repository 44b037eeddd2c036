"""The figures of each account and hour, also with a wrong clock, and after a process has ended."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from syncd.ledger import accounts, activity, operator_pauses, replicas, schema
from syncd.ledger.accounts import Pause
from syncd.ledger.activity import HOUR, KEPT
from syncd.ledger.history import What
from syncd.ledger.operator_pauses import OperatorPause
from syncd.model import AccountId, Digest, Entry, ImageHash

ONE, TWO = AccountId("1"), AccountId("2")
NOW = 500_000.0 * HOUR
NUMBERS = "calls, throttled, uploaded, copied, deleted, budget, blocked"


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        schema.create(opened)
        accounts.add(opened, [ONE, TWO])
        opened.executescript(
            """
            INSERT INTO folder (id, name, path) VALUES (1, 'a', x'2f61');
            INSERT INTO route SELECT 1, id, id - 1 FROM account;
            """
        )
        opened.executemany(
            "INSERT INTO image (sha256, size) VALUES (?, 1)", [(digest(n),) for n in range(3)]
        )
        yield opened


def digest(number: int) -> Digest:
    return Digest(number.to_bytes(32, "big"))


def called(
    db: sqlite3.Connection, at: float, share: float = 0.0, *, is_throttled: bool = False
) -> None:
    activity.record_call(ONE, at, share, is_throttled=is_throttled)(db)


def paused(until: float | None) -> Pause:
    return Pause(kind="throttled", why="17", since=NOW - 60, until=until, consecutive=1)


def hours(db: sqlite3.Connection, columns: str) -> list[tuple[int, ...]]:
    """Return, for each row in order of the hour, the hours since NOW and these columns."""
    return db.execute(
        f"SELECT hour - {int(NOW) // HOUR}, {columns} FROM activity ORDER BY hour, account_id"
    ).fetchall()


def test_calls_of_an_hour_are_added_up_and_the_largest_share_of_the_budget_is_kept(
    db: sqlite3.Connection,
) -> None:
    called(db, NOW, 0.25)
    called(db, NOW + 1, 0.75, is_throttled=True)
    called(db, NOW + HOUR - 1, 0.5)
    called(db, NOW + HOUR, 0.125)
    assert hours(db, NUMBERS) == [(0, 3, 1, 0, 0, 0, 750, 0), (1, 1, 0, 0, 0, 0, 125, 0)]


def test_images_are_counted_by_what_happened_to_them_in_their_account(
    db: sqlite3.Connection,
) -> None:
    entries = [(digest(n), Entry(hash=ImageHash(f"{n:032x}"))) for n in range(3)]
    replicas.record_held(ONE, entries, 1.0)(db)
    replicas.record_held(TWO, entries[:2], 1.0, source=ONE)(db)
    replicas.record_not_held(ONE, entries[0][1].hash, What.DELETED)(db)
    replicas.record_not_held(ONE, entries[1][1].hash, What.LOST)(db)
    rows = db.execute("SELECT account_id, uploaded, copied, deleted FROM activity").fetchall()
    assert rows == [(1, 3, 0, 1), (2, 0, 2, 0)]


def test_an_image_that_was_lost_and_is_sent_again_counts_as_an_upload(
    db: sqlite3.Connection,
) -> None:
    entry = (digest(1), Entry(hash=ImageHash("ff")))
    for _ in range(2):
        replicas.record_held(ONE, [entry], 1.0)(db)
        replicas.record_not_held(ONE, entry[1].hash)(db)
    assert db.execute("SELECT sum(uploaded) FROM activity").fetchone() == (2,)


def test_what_is_rolled_back_is_not_counted(db: sqlite3.Connection) -> None:
    db.execute("BEGIN IMMEDIATE")
    replicas.record_held(ONE, [(digest(1), Entry(hash=ImageHash("ff")))], 1.0)(db)
    db.execute("ROLLBACK")
    assert hours(db, NUMBERS) == []


def test_calls_after_the_clock_was_set_back_are_added_to_the_hours_that_it_passes_again(
    db: sqlite3.Connection,
) -> None:
    for at in (NOW, NOW + HOUR, NOW):
        called(db, at)
        activity.record_running(at, 0)(db)
    assert hours(db, "calls") == [(0, 2), (1, 1)]
    assert db.execute("SELECT count(*) FROM daemon_hour").fetchone() == (2,)


@pytest.mark.parametrize("until", [None, NOW + 1])
def test_the_seconds_in_which_an_account_takes_no_calls_are_added_up(
    db: sqlite3.Connection, until: float | None
) -> None:
    accounts.pause([ONE], paused(until))(db)
    by_operator = OperatorPause(since=NOW, until=until, why=None, user="eva")
    operator_pauses.begin([ONE, TWO], by_operator)(db)
    activity.record_running(NOW, 60)(db)
    activity.record_running(NOW, 59)(db)
    assert hours(db, "account_id, blocked") == [(0, 1, 119), (0, 2, 119)]


def test_a_pause_that_has_ended_is_not_counted(db: sqlite3.Connection) -> None:
    accounts.pause([ONE], paused(NOW - 1))(db)
    activity.record_running(NOW, 60)(db)
    assert hours(db, NUMBERS) == []


def test_a_stopped_account_that_no_folder_feeds_has_no_figures(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM route WHERE account_id = 1")
    accounts.pause([ONE], paused(None))(db)
    activity.record_running(NOW, 60)(db)
    assert hours(db, NUMBERS) == []


def test_a_machine_that_was_suspended_blocks_an_account_for_an_hour_at_most(
    db: sqlite3.Connection,
) -> None:
    accounts.pause([ONE], paused(None))(db)
    activity.record_running(NOW, 8 * HOUR)(db)
    assert hours(db, "blocked") == [(0, HOUR)]


def test_hours_are_removed_after_30_days_also_of_an_account_that_was_removed(
    db: sqlite3.Connection,
) -> None:
    for at in (NOW, NOW + HOUR):
        called(db, at)
        activity.record_running(at, 0)(db)
    db.execute("DELETE FROM route")
    activity.record_running(NOW + KEPT * HOUR, 0)(db)
    assert hours(db, "calls") == [(1, 1)]
    left = db.execute("SELECT hour - ? FROM daemon_hour", (int(NOW) // HOUR,)).fetchall()
    assert left == [(1,), (KEPT,)]


def test_hours_that_a_clock_recorded_while_it_was_ahead_are_removed(
    db: sqlite3.Connection,
) -> None:
    called(db, NOW)
    called(db, NOW + KEPT * HOUR)
    activity.record_running(NOW, 0)(db)
    assert hours(db, "calls") == [(0, 1)]


def test_a_daemon_at_rest_changes_the_ledger_once_an_hour(db: sqlite3.Connection) -> None:
    activity.record_running(NOW, 60)(db)
    before = db.total_changes
    for minute in range(1, 60):
        activity.record_running(NOW + 60 * minute, 60)(db)
    assert db.total_changes == before
    activity.record_running(NOW + HOUR, 60)(db)
    assert db.total_changes == before + 1
