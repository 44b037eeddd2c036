"""Histories of facts in a real ledger, compared with a plain Python model."""

import hashlib
import sqlite3
from collections import Counter
from dataclasses import dataclass
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from syncd.ledger import files, folders, integrity, missed, queries, replicas, schema, sources
from syncd.ledger.files import Content, Place
from syncd.ledger.kept import KeepReason
from syncd.ledger.queries import Tally
from syncd.ledger.stat_columns import stat_of
from syncd.ledger.statements import Write
from syncd.ledger.wanted import refresh_next
from syncd.model import AccountId, Digest, Entry, FolderName, ImageHash, Stat

T = TypeVar("T")

ACCOUNTS = [AccountId("1"), AccountId("2"), AccountId("3")]
FOLDERS = [FolderName("spring"), FolderName("autumn")]
DIRECTORIES = [b"", b"d", b"d/e", b"d/e/f", b"de", b"\xff\n"]
NAMES = [b"a.jpg", b"b.jpg", b"\xfe.jpg"]
DIGESTS = [Digest(hashlib.sha256(bytes([n])).digest()) for n in range(5)]
UNFIT = DIGESTS[4]

accounts = st.sampled_from(ACCOUNTS)
some_folder = st.sampled_from(FOLDERS)
digests = st.sampled_from(DIGESTS)
places = st.tuples(some_folder, st.sampled_from(DIRECTORIES), st.sampled_from(NAMES))
SCANS = range(1, 4)
scans = st.sampled_from(SCANS)
wide = st.integers(0, 2**64 - 1)

Spot = tuple[FolderName, bytes]
Where = tuple[FolderName, bytes, bytes]


@dataclass
class Row:
    """A replica in the model, without its number of files."""

    held: bool = False
    rejected: bool = False


def stats_in(db: sqlite3.Connection, directory_id: int | None) -> dict[bytes, Stat | None]:
    """Return the stat of each file in a directory."""
    if directory_id is None:
        return {}
    rows = files.known_files(directory_id, b"", None)(db)
    return {row[0]: stat_of(row) for row in rows}


class Facts(RuleBasedStateMachine):
    """Records the same facts in the ledger and in the model."""

    def __init__(self) -> None:
        super().__init__()
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        self.db.execute("PRAGMA foreign_keys = ON")
        schema.create(self.db)
        self.stat = 0
        self.routes: dict[FolderName, set[AccountId]] = {}
        self.ids: dict[FolderName, int] = {}
        self.files: dict[Where, Digest | None] = {}
        self.stats: dict[Where, Stat | None] = {}
        self.directories: set[Spot] = set()
        self.missed_files: set[tuple[Where, int]] = set()  # each with its scan
        self.missed_directories: set[tuple[Spot, int]] = set()
        self.unfit: dict[Digest, bool] = {}  # of every image that was ever read
        self.rows: dict[tuple[AccountId, Digest], Row] = {}
        for name in FOLDERS:
            self.configured(name, {ACCOUNTS[0]})

    def teardown(self) -> None:
        self.db.close()

    def write(self, statement: Write[T]) -> T:
        self.db.execute("BEGIN IMMEDIATE")
        result = statement(self.db)
        self.db.execute("COMMIT")
        return result

    def settle(self) -> None:
        """Add the rows that the counts need to the model, and remove rows without a reason."""
        for key in self.counts:
            self.rows.setdefault(key, Row(rejected=self.unfit[key[1]]))
        self.rows = {
            key: row
            for key, row in self.rows.items()
            if self.counts[key] or row.held or row.rejected
        }

    @property
    def counts(self) -> Counter[tuple[AccountId, Digest]]:
        return Counter(
            (account, digest)
            for (folder, _, _), digest in self.files.items()
            if digest is not None
            for account in self.routes[folder]
        )

    @rule(name=some_folder, to=st.sets(accounts))
    def configured(self, name: FolderName, to: set[AccountId]) -> None:
        self.ids[name] = self.write(folders.declare(name, f"/{name}".encode(), list(to)))
        self.routes[name] = to
        self.apply_routes()
        self.settle()

    @rule(kept=st.sets(some_folder))
    def other_folders_are_retired(self, kept: set[FolderName]) -> None:
        gone = self.write(folders.retire_others(list(kept)))
        assert set(gone) == {name for name in FOLDERS if name not in kept and self.routes[name]}
        for name in gone:
            self.routes[FolderName(name)] = set()
        self.apply_routes()
        self.settle()

    def apply_routes(self) -> None:
        """Apply a change of routes in the smallest steps."""
        while self.write(refresh_next(1)):
            pass

    def new_stat(self) -> Stat:
        self.stat += 1
        return Stat(
            device=2**64 - 1,
            inode=2**64 - self.stat,
            size=self.stat,
            mtime_ns=-self.stat,
            ctime_ns=2**63 + self.stat,
        )

    def seen(self, where: Where) -> Place:
        folder, directory, name = where
        above = directory
        while (folder, above) not in self.directories or above:
            self.directories.add((folder, above))
            self.unmark_directory((folder, above))
            if not above:
                break
            above = above.rpartition(b"/")[0]
        self.unmark_directory((folder, b""))
        self.missed_files -= {(where, scan) for scan in SCANS}
        return Place(self.ids[folder], directory, name)

    def unmark_directory(self, spot: Spot) -> None:
        self.missed_directories -= {(spot, scan) for scan in SCANS}

    @rule(where=places, digest=digests)
    def a_file_appears_or_changes(self, where: Where, digest: Digest) -> None:
        place, stat = self.seen(where), self.new_stat()
        unfit = "not an image" if digest == UNFIT else None
        content = Content(
            digest=digest, size=7, format=None if unfit else "PNG", width=1, height=1, unfit=unfit
        )
        self.write(files.record_all([(place, stat, content)]))
        self.files[where], self.stats[where] = digest, stat
        self.unfit.setdefault(digest, digest == UNFIT)
        self.settle()

    @rule(where=places)
    def a_file_cannot_be_read(self, where: Where) -> None:
        self.write(files.record_all([(self.seen(where), self.new_stat(), "Permission denied")]))
        self.files[where], self.stats[where] = None, None
        self.settle()

    @rule(scan=scans, where=places)
    def a_scan_misses_a_file(self, scan: int, where: Where) -> None:
        folder, directory, name = where
        known = files.known_directory(self.ids[folder], directory)(self.db)
        if known.directory_id is not None:
            self.write(missed.mark(scan, known.directory_id, [name], []))
            if where in self.files:
                self.missed_files.add((where, scan))

    @rule(scan=scans, folder=some_folder, directory=st.sampled_from(DIRECTORIES[1:]))
    def a_scan_misses_a_directory(self, scan: int, folder: FolderName, directory: bytes) -> None:
        above = directory.rpartition(b"/")[0]
        known = files.known_directory(self.ids[folder], above)(self.db)
        if known.directory_id is not None and directory in known.directories:
            lost = known.directories[directory]
            self.write(missed.mark(scan, known.directory_id, [], [lost]))
            self.missed_directories.add(((folder, directory), scan))

    @rule(scan=scans)
    def a_scan_is_trusted(self, scan: int) -> None:
        lost = {spot for spot, by in self.missed_directories if by == scan}
        gone = {
            (folder, path)
            for folder, path in self.directories
            if any(folder == f and (path == p or path.startswith(p + b"/")) for f, p in lost)
        }
        lost_files = {
            where for where in self.files if (where, scan) in self.missed_files or where[:2] in gone
        }
        assert self.write(missed.forget(scan, KeepReason.SUSPECT)) == len(lost_files)
        for where in lost_files:
            del self.files[where], self.stats[where]
            self.missed_files -= {(where, other) for other in SCANS}
        self.directories -= gone
        for spot in gone:
            self.unmark_directory(spot)
        self.settle()

    @rule(scan=scans)
    def a_scan_is_not_trusted(self, scan: int) -> None:
        self.write(missed.unmark(scan))
        self.missed_files = {(w, by) for w, by in self.missed_files if by != scan}
        self.missed_directories = {(s, by) for s, by in self.missed_directories if by != scan}

    @rule()
    def a_process_starts(self) -> None:
        self.write(missed.unmark_all())
        self.missed_files, self.missed_directories = set(), set()

    @rule(account=accounts, held=st.sets(digests, max_size=3))
    def an_account_holds(self, account: AccountId, held: set[Digest]) -> None:
        held &= self.unfit.keys()
        entries = [
            (digest, Entry(hash=ImageHash(digest.hex()[:8]), name="n", width=1, height=1))
            for digest in held
        ]
        self.write(replicas.record_held(account, entries, 1.0))
        for digest in held:
            self.rows[account, digest] = Row(held=True)

    @rule(account=accounts, digest=digests)
    def an_account_rejects(self, account: AccountId, digest: Digest) -> None:
        if digest not in self.unfit:
            return
        self.write(replicas.record_rejected(account, digest, "100/1487197"))
        row = self.rows.setdefault((account, digest), Row())
        row.rejected = not row.held

    @rule(account=accounts, digest=digests)
    def an_attempt_fails(self, account: AccountId, digest: Digest) -> None:
        self.write(replicas.record_trouble(account, [digest], "HTTP 500"))

    @rule()
    def the_operator_retries_rejected_images(self) -> None:
        rejected = sum(row.rejected and self.counts[key] > 0 for key, row in self.rows.items())
        assert self.write(replicas.retry_rejected()) == rejected
        self.unfit = dict.fromkeys(self.unfit, False)
        for row in self.rows.values():
            row.rejected = False
        self.settle()

    @invariant()
    def the_counts_match_the_model(self) -> None:
        rows = self.db.execute(
            """
            SELECT act, sha256, wanted, hash IS NOT NULL, rejected IS NOT NULL
            FROM replica
            JOIN account ON account.id = account_id
            JOIN image ON image.id = image_id
            """
        )
        counts = self.counts
        assert {(a, d): (bool(w), bool(h), bool(r)) for a, d, w, h, r in rows} == {
            key: (counts[key] > 0, row.held, row.rejected) for key, row in self.rows.items()
        }
        assert [found for found in integrity.all_wanted(self.db) if found] == []

    @invariant()
    def the_reads_match_the_model(self) -> None:
        counts = self.counts
        for account in ACCOUNTS:
            wanted = {d for a, d in counts if a == account}
            held = {d for d in wanted if self.rows[account, d].held}
            rejected = {d for d in wanted if self.rows[account, d].rejected}
            missing = wanted - held - rejected
            tally = queries.tally(account)(self.db)
            since = tally.waiting_since
            assert tally == Tally(
                wanted=len(wanted),
                held=len(held),
                missing=len(missing),
                rejected=len(rejected),
                unread=sum(
                    digest is None and account in self.routes[folder]
                    for (folder, _, _), digest in self.files.items()
                ),
                unscanned=sum(account in to for to in self.routes.values()),  # none was scanned
                waiting_since=since,
            )
            assert (since is None) == (not missing)
            assert sorted(self.pages(account)) == sorted(missing)
            assert queries.missing_bytes(account)(self.db) == 7 * len(missing)
            facts = replicas.facts(account, DIGESTS)(self.db)
            assert {d for d, f in facts.items() if f.wanted} == wanted
            assert {d for d, f in facts.items() if f.wanted and f.held} == held
            reasons = queries.rejections(account)(self.db)
            assert sum(count.count for count in reasons) == len(rejected)

    def pages(self, account: AccountId) -> list[Digest]:
        found: list[Digest] = []
        page = replicas.missing_after(account, replicas.FIRST_MISSING, 2)(self.db)
        while page.digests:
            assert len(page.digests) <= 2
            found += page.digests
            page = replicas.missing_after(account, page.last, 2)(self.db)
        return found

    @invariant()
    def every_wanted_image_has_its_files_as_sources(self) -> None:
        for account, digest in [(a, d) for a in ACCOUNTS for d in DIGESTS]:
            found = sources.of_image(account, digest, 99)(self.db)
            assert {(s.folder_id, s.directory, s.name): s.stat for s in found} == {
                (self.ids[folder], directory, name): self.stats[folder, directory, name]
                for (folder, directory, name), held in self.files.items()
                if held == digest and account in self.routes[folder]
            }

    @invariant()
    def the_tree_matches_the_model(self) -> None:
        for folder in FOLDERS:
            for path in DIRECTORIES:
                known = files.known_directory(self.ids[folder], path)(self.db)
                assert (known.directory_id is not None) == ((folder, path) in self.directories)
                assert stats_in(self.db, known.directory_id) == {
                    name: stat
                    for (f, directory, name), stat in self.stats.items()
                    if (f, directory) == (folder, path)
                }

    @invariant()
    def no_reference_dangles(self) -> None:
        assert self.db.execute("PRAGMA foreign_key_check").fetchall() == []


Facts.TestCase.settings = settings(max_examples=60, stateful_step_count=40)


class TestFacts(Facts.TestCase):  # type: ignore[misc,valid-type]  # hypothesis creates it at run time
    """The histories."""
