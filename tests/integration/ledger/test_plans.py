"""The query plans of frequent statements: each uses an index, however many rows there are."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, cast

import pytest
from support.million_replicas import digest, fill
from support.plans import Plans

from syncd.config.shard import Shard
from syncd.ledger import (
    accounts,
    activity,
    alerts,
    audits,
    by_hand,
    condemned,
    copies,
    delete_calls,
    deletions,
    directories,
    export,
    families,
    files,
    history,
    history_rows,
    integrity,
    kept,
    library,
    limitations,
    listings,
    missed,
    pending,
    queries,
    receivers,
    replicas,
    requests,
    schema,
    search,
    selection,
    shards,
    sources,
    unanswered,
    vacuum,
    wanted,
)
from syncd.ledger.accounts import Pause, SpentCall
from syncd.ledger.files import Content, Place
from syncd.ledger.history_rows import Filter
from syncd.ledger.kept import KeepReason
from syncd.ledger.library_filter import Filter as Shown
from syncd.ledger.library_filter import Ratio, State
from syncd.ledger.receivers import KnownAlert
from syncd.ledger.statements import Read
from syncd.ledger.unanswered import UnansweredImage
from syncd.model import (
    AccountId,
    Digest,
    Entry,
    FolderName,
    HoldAbove,
    ImageHash,
    ImageStatus,
    Listed,
    Moment,
    Sent,
    Stat,
)
from syncd.rules.limitation import Limitation, What
from syncd.rules.unanswered import Named

ONE, TWO = AccountId("1"), AccountId("2")
HASH, SENT = ImageHash("ff00"), Sent(1.0, 0)
ENTRY = Entry(hash=HASH)
PAUSE = Pause(kind="throttled", why="17", since=1.0, until=9.0, consecutive=1)
CONTENT = Content(digest=Digest(bytes(32)), size=1, format="PNG", width=1, height=1, unfit=None)
KNOWN_ALERT = KnownAlert("account.stopped", "accounts.main", 1.0)
EVERYTHING = Filter()
GROWING = re.compile(r"SCAN (file|replica|image|directory|history|activity)\b")


@pytest.fixture(scope="module")
def filled() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        schema.create(db)
        fill(db)
        assert db.execute("SELECT count(*) FROM replica").fetchone() == (1_000_000,)
        yield db


@pytest.fixture(scope="module", params=["fresh", "sampled", "analyzed"])
def db(request: pytest.FixtureRequest, filled: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        filled.backup(opened)
        if request.param == "sampled":  # as PRAGMA optimize does when the ledger is closed
            opened.execute("PRAGMA analysis_limit = 400")
        if request.param != "fresh":
            opened.execute("ANALYZE")
        yield opened


@pytest.fixture(autouse=True)
def rolled_back(db: sqlite3.Connection) -> Iterator[None]:
    """Undo what a test writes."""
    db.execute("BEGIN")
    yield
    db.execute("ROLLBACK")


STATEMENTS: dict[str, Callable[[Any], object]] = {
    "missing_after": replicas.missing_after(ONE, (5, 5), 500),
    "selected tally": selection.tally(ONE, [FolderName("a")]),
    "selected bytes": selection.missing_bytes(ONE, [FolderName("a")]),
    "selected missing_after": selection.missing_after(ONE, (5, 5), 500, [FolderName("a")]),
    "selected reasons": selection.reasons(ONE, [FolderName("a")]),
    "holding": accounts.holding(),
    "shard": shards.last(),
    "record the shard": shards.record(Shard(0, 2)),
    "last_call": accounts.last_call(),
    "calls_of_others": accounts.calls_of_others(5, 0),
    "record_call": accounts.record_call(ONE, SpentCall(5.0, 1, 0), 3600.0),
    "record_call_ended": accounts.record_call_ended(5, 6.0),
    "count a call": activity.record_call(ONE, 6.0, 0.5, is_throttled=True),
    "activity": activity.hours(400_000, 400_719),
    "activity of an account": activity.hours(400_000, 400_719, ONE),
    "busiest": activity.busiest(400_000, 400_167, 8),
    "hours_of_daemon": activity.hours_of_daemon(400_000, 400_719),
    "record_running": activity.record_running(7200.0, 60),
    "pause_longer": accounts.pause_longer([ONE], PAUSE),
    "resume_ended": accounts.resume_ended(ONE, 5.0),
    "requests": requests.count(),
    "add a request": requests.add(),
    "uploaded by hand": by_hand.record_uploaded(ONE, [(CONTENT, ENTRY)], 5.0, SENT, "root"),
    "copied by hand": by_hand.record_copied(ONE, (TWO, HASH), ENTRY, 5.0, SENT, "root"),
    "wanted by hash": by_hand.wanted(ONE, [HASH]),
    "deleting by hand": by_hand.record_deleting(ONE, HASH, 5.0, 6.0),
    "deleted by hand": by_hand.record_deleted(ONE, HASH, 0.0),
    "not deleted by hand": by_hand.record_not_deleted(ONE, HASH),
    "kept_images": kept.kept_images(),
    "count_missing": replicas.count_missing(ONE, 100_000),
    "facts": replicas.facts(ONE, [digest(n) for n in range(25)]),
    "sources": sources.of_image(ONE, digest(5)),
    "known_directory": files.known_directory(1, b"d1"),
    "known_files": files.known_files(1, b"", None),
    "known_files, a part": files.known_files(1, b"1", b"2"),
    "known_stat": files.known_stat(Place(1, b"d1", b"1")),
    "missing_page": listings.missing_page(ONE, (5, 5), 500),
    "unconfirmed_page": listings.unconfirmed_page(ONE, ("a", 1.0, 5), 500),
    "rejected_page": listings.rejected_page(ONE, ("a", 5), 500),
    "unread_page": listings.unread_page(("a", 1, b"a"), 500),
    "tally": queries.tally(ONE),
    "missing_bytes": queries.missing_bytes(ONE),
    "rejections": queries.rejections(ONE),
    "troubles": queries.troubles(ONE),
    "unreadable_files": queries.unreadable_files("a"),
    "unfinished_files": queries.unfinished_files("a"),
    "account_summary": queries.account_summary(ONE, 1.0),
    "folder_summary": queries.folder_summary("a"),
    "by_path": search.by_path("a", b"d1", b"1"),
    "by_digest": search.by_digest(digest(5), digest(5)),
    "by_hash": search.by_hash("ff00", "ff00~"),
    "by_ids": search.by_ids([5]),
    "unread_by_name": search.unread_by_name("%a%", 20),
    "record_all": files.record_all(
        [
            (
                Place(1, b"d1", b"1"),
                Stat(device=9, inode=9, size=9, mtime_ns=9, ctime_ns=9),
                Content(digest=digest(1), size=7, format=None, width=None, height=None, unfit=None),
            )
        ]
    ),
    "record_all_since": files.record_all_since(
        [
            (
                Place(1, b"d1", b"1"),
                Stat(device=9, inode=9, size=9, mtime_ns=9, ctime_ns=9),
                Content(digest=digest(1), size=7, format=None, width=None, height=None, unfit=None),
            )
        ],
        1.0,
    ),
    "all_alerts": alerts.all_alerts({ONE: "main"}, 1.0),
    "forget_missed": missed.forget(8, KeepReason.SUSPECT),
    "unmark_missed": missed.unmark(7),
    "record_sending": replicas.record_sending(ONE, {digest(5): Named("5.jpg")}, Sent(1.0, 0)),
    "next_condemned": unanswered.next_condemned(ONE, 1.0),
    "other_hashes": unanswered.other_hashes(ONE, [ImageHash("ff00")]),
    "settle": unanswered.settle(
        ONE, UnansweredImage(digest=digest(5), pixels=None, file=b"5", calls=()), 1.0, None
    ),
    "record_not_held": replicas.record_not_held(ONE, ImageHash("ff00")),
    "page": missed.page(7, missed.BEFORE, 50),
    "inodes": missed.inodes([missed.Mark(directory_id=30, name=b"1", path=b"d1")]),
    "drop": missed.drop(7, [missed.Mark(directory_id=30, name=b"1", path=b"d1")]),
    "note_renumbered": directories.note_renumbered(
        1, 7, [directories.Renumbered(b"d1", 9, same=False)]
    ),
    "record_same": directories.record_same(1, 7),
    "is_recorded": directories.is_recorded(9),
    "moved": directories.moved(1, 7),
    "record_moved": directories.record_moved(1, 7, [directories.Moved(b"d1", 9, b"d2")]),
    "record_replaced": directories.record_replaced(1, 7),
    "mounts": directories.mounts(1),
    "renumber": files.renumber(
        [(Place(1, b"d1", b"1"), Stat(device=9, inode=9, size=9, mtime_ns=9, ctime_ns=9))]
    ),
    "sample": files.sample(1, 100),
    "condemn_missed": condemned.condemn_missed(8, Moment(1.0, 1.0)),
    "keep": kept.keep(ONE, digest(5), KeepReason.FOREIGN),
    "spare_wanted": condemned.spare_wanted(),
    "due": deletions.due(ONE, 1.0, 1.0, 50),
    "deletion_facts": deletions.facts(ONE, digest(5), 1.0),
    "record_sending_delete": delete_calls.record_sending(
        ONE,
        deletions.Due(digest=digest(5), hash=ImageHash("ff00"), sent=None, folder="a", file=b"5"),
        1.0,
        1.0,
        2.0,
        lambda _: True,
    ),
    "to_repeat": deletions.to_repeat(ONE, ImageHash("ff00"), 1.0),
    "record_sent": delete_calls.record_sent(ONE, ImageHash("ff00"), 1.0),
    "record_present": delete_calls.record_present(ONE, ImageHash("ff00"), 1.0),
    "record_absent": delete_calls.record_absent(ONE, ImageHash("ff00")),
    "unconfirmed_accounts": delete_calls.unconfirmed_accounts(),
    "has_absent": delete_calls.has_absent(ONE, 1.0, 2.0),
    "forget_absent": delete_calls.forget_absent(ONE, 1.0, 2.0),
    "confirm_all_now": delete_calls.confirm_all_now(ONE),
    "confirm_later": delete_calls.confirm_later(ONE, ImageHash("ff00"), 1.0),
    "to_confirm": delete_calls.to_confirm(ONE, 1.0, 50),
    "record_gone": delete_calls.record_gone(ONE, ImageHash("ff00")),
    "hold_excess": condemned.hold_excess(HoldAbove(20, 0.1), 9.0),
    "held_deletions": condemned.held_deletions(5),
    "holders": copies.holders(AccountId("2"), [digest(n) for n in range(25)], 1.0),
    "expected": copies.expected(AccountId("2"), [digest(n) for n in range(25)], 1.0),
    "held_after": audits.held_after(ONE, 5, 50),
    "known_hashes": audits.known_hashes(ONE, [ImageHash("ff00")]),
    "export": export.page(export.Key(7, b"5"), 50),
    "export of an account": export.page(export.Key(7, b"5"), 50, ONE),
    "export_held": export.held_page(ONE, 5, 50),
    "wanted": integrity.wanted(0),
    "refresh_next": wanted.refresh_next(20),
    "count_held": audits.count_held(ONE),
    "record_held": replicas.record_held(
        ONE, [(digest(n), Entry(hash=ImageHash(f"{n:032x}"))) for n in range(25)], 1.0
    ),
    "record_rejected": replicas.record_rejected(ONE, digest(5), "no"),
    "record_removed": audits.record_removed(ONE, ImageHash("ff00")),
    "record_listed": audits.record_listed(
        ONE,
        digest(5),
        Listed(
            hash=ImageHash("ff00"), name="n", status=ImageStatus.ACTIVE, created_at=1.0, used=False
        ),
    ),
    "steps": pending.steps(1.0),
    "await_scans": condemned.await_scans(5.0),
    "drop_unheld": condemned.drop_unheld(1.0),
    "postpone": deletions.postpone(ONE, digest(5), "used", 1.0),
    "drop_unreferenced": vacuum.drop_unreferenced(0),
    "doubted_at": replicas.doubted_at(ONE, digest(5)),
    "record_doubt": replicas.record_doubt(ONE, digest(5), 1.0),
    "limitations": limitations.known(ONE),
    "learned_limitations": limitations.learned(ONE),
    "retry_limitations": limitations.retry(1.0),
    "record_limitations": limitations.record(
        ONE,
        [Limitation(what=What.NO_COPY, source=AccountId("2"), retry_at=1.0)],
        [Limitation(what=What.BODY_SIZE, value=1000, retry_at=1.0)],
        900,
        1.0,
    ),
    "history": history_rows.newest(EVERYTHING, 200),
    "history of images": history_rows.newest(Filter(images=[5, 6]), 200),
    "history since": history_rows.newest(Filter(since=1.0, accounts=[ONE], whats=["lost"]), 200),
    "history, new rows": history_rows.after(EVERYTHING, 99_990, 200),
    "history of a path": history_rows.images_of_path("a", b"d1/1"),
    "history of a hash": history_rows.images_of_hash("ff00", "ff00~"),
    "last_id of the history": history_rows.last_id(),
    "forget_before": history.forget_before(1.0),
    "register": receivers.register(["a", "b"]),
    "registered": receivers.registered(),
    "position": receivers.position("a"),
    "known": receivers.known("a"),
    "pending": receivers.pending("a", ["uploaded"], 100, seen=99_000),
    "pending, summed": receivers.pending("a", ["uploaded"], 20, seen=9, summed=True),
    "accept": receivers.accept("a", 5, 1.0, begun=[KNOWN_ALERT], ended=[KNOWN_ALERT]),
    "skip": receivers.skip("a", 7),
    "release": kept.release("ff00"),
    "approve": condemned.approve(FolderName("a"), "eva"),
    "dismiss": condemned.dismiss(FolderName("a"), "eva"),
    "record_trouble": replicas.record_trouble(ONE, [digest(5)], "HTTP 500"),
    "library ids": library.ids([digest(5), digest(6)]),
    "families": families.page("", "", None, 24),
    "families of a folder": families.page("a", "1", families.Key(30, b"1"), 24),
    "family of a file": families.of_file("a", b"d1", b"a_1x1.png"),
    "library sources": library.sources(digest(5)),
}
SHOWN = {
    "all": Shown(),
    "a folder": Shown(folder="a", format="PNG"),
    "held": Shown(account=ONE, state=State.HELD, ratio=Ratio(0.9, 1.1)),
    "a part of a name": Shown(text="999"),
    "digits": Shown(text="30303030"),
    **{state: Shown(state=state, account=ONE, pixels=(1, 1)) for state in State},
    **{f"{state} anywhere": Shown(state=state) for state in State},
}
STATEMENTS |= {f"library, {what}": library.page(one, 40_000, 60) for what, one in SHOWN.items()}


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_table_that_grows_is_scanned(db: sqlite3.Connection, name: str) -> None:
    plans = Plans(db)
    STATEMENTS[name](cast("sqlite3.Connection", plans))
    assert plans.plans
    assert not scans(plans), plans.plans


def scans(plans: Plans) -> list[str]:
    """Return the steps that read the whole of a table that grows."""
    return [line for line in plans.plans if GROWING.match(line)]


@pytest.mark.parametrize("search_by", [search.by_name, search.by_part_of_name])
def test_a_search_by_name_scans_the_names_and_no_other_table(
    db: sqlite3.Connection, search_by: Callable[[bytes], Read[object]]
) -> None:
    plans = Plans(db)
    search_by(b"999999")(cast("sqlite3.Connection", plans))
    assert scans(plans) == ["SCAN file"]


def test_a_selection_by_time_scans_the_files_once_and_no_other_table(
    db: sqlite3.Connection,
) -> None:
    plans = Plans(db)
    wanted = Shown(account=ONE, state=State.HELD, since=1.0, until=2.0)
    library.page(wanted, 40_000, 60)(cast("sqlite3.Connection", plans))
    assert scans(plans) == ["SCAN file"]


@pytest.mark.parametrize(
    "name",
    [
        "tally",
        "missing_after",
        "count_missing",
        "count_held",
        "rejections",
        "troubles",
        "unconfirmed_accounts",
    ],
)
def test_a_periodic_statement_reads_only_an_index(db: sqlite3.Connection, name: str) -> None:
    plans = Plans(db)
    STATEMENTS[name](cast("sqlite3.Connection", plans))
    searches = [line for line in plans.plans if line.startswith("SEARCH replica")]
    assert searches
    assert all("COVERING INDEX" in search for search in searches)


@pytest.mark.parametrize("name", ["history since", "history, new rows"])
def test_a_selection_of_the_history_reads_only_the_rows_it_is_about(
    db: sqlite3.Connection, name: str
) -> None:
    plans = Plans(db)
    STATEMENTS[name](cast("sqlite3.Connection", plans))
    assert any(line.startswith("SEARCH row USING") for line in plans.plans), plans.plans
    assert not any(line.startswith("SCAN row") for line in plans.plans), plans.plans


def test_a_refresh_finds_replicas_by_their_key(db: sqlite3.Connection) -> None:
    plans = Plans(db)
    STATEMENTS["record_all"](cast("sqlite3.Connection", plans))
    searches = {line for line in plans.plans if line.startswith("SEARCH replica")}
    assert searches
    assert all("USING PRIMARY KEY (image_id=?" in line for line in searches), searches


def test_the_files_of_a_directory_are_stored_in_the_order_of_their_names(
    db: sqlite3.Connection,
) -> None:
    plans = Plans(db)
    STATEMENTS["known_files, a part"](cast("sqlite3.Connection", plans))
    assert [line.partition(" (")[0] for line in plans.plans] == ["SEARCH file USING PRIMARY KEY"]
