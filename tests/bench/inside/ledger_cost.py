"""The cost of a ledger per image: CPU and bytes, and how long a changed route delays writes.

Usage: ledger_cost LEDGER FILES SAMPLE. A folder of FILES files feeds two accounts, which makes two
replicas of each. The CPU of one image is that of recording its file and of recording that one
account holds it: of the first SAMPLE files (empty) and of the last ones (full). It prints JSON.
"""

from __future__ import annotations

import json
import random
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from syncd.ledger import files, folders, replicas, wanted
from syncd.ledger.database import owned
from syncd.ledger.file import maintaining
from syncd.ledger.files import Content, Place
from syncd.ledger.statements import Write
from syncd.model import AccountId, Digest, Entry, FolderName, ImageHash, Stat

_FILES, _IMAGES = 256, 25  # of one commit
_DIRECTORY = 500  # files
_TIME = 1_764_300_000
_ACCOUNTS = [AccountId("1"), AccountId("2")]


def commit(db: sqlite3.Connection, write: Write[object]) -> None:
    db.execute("BEGIN IMMEDIATE")
    write(db)
    db.execute("COMMIT")


def record(db: sqlite3.Connection, folder: int, first: int, digests: Sequence[Digest]) -> None:
    """Record files that were read."""
    found = [
        (
            Place(folder, b"d%06d" % (n // _DIRECTORY), b"IMG_%08d.jpg" % n),
            Stat(
                device=64768,
                inode=1_000_000 + n,
                size=20_000,
                mtime_ns=_TIME * 10**9 + n * 1000,
                ctime_ns=_TIME * 10**9 + n * 1000,
            ),
            Content(digest=digest, size=20_000, format="JPEG", width=1080, height=1080, unfit=None),
        )
        for n, digest in enumerate(digests, first)
    ]
    for start in range(0, len(found), _FILES):
        commit(db, files.record_all(found[start : start + _FILES]))


def hold(db: sqlite3.Connection, account: AccountId, digests: Sequence[Digest]) -> None:
    """Record that an account holds images."""
    held = [
        (digest, Entry(hash=ImageHash(digest[:16].hex()), name="IMG_00000000.jpg"))
        for digest in digests
    ]
    for start in range(0, len(held), _IMAGES):
        commit(db, replicas.record_held(account, held[start : start + _IMAGES], float(_TIME)))


def size(db: sqlite3.Connection, path: Path) -> int:
    """Return the bytes of the ledger once its WAL is in it."""
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.stat().st_size


def cpu(work: Callable[[], None]) -> float:
    """Return the seconds of CPU that some work took."""
    began = time.process_time()
    work()
    return time.process_time() - began


def longest_step(db: sqlite3.Connection) -> float:
    """Return the seconds of the longest transaction after a change of routes."""
    longest, more = 0.0, True
    while more:
        began = time.perf_counter()
        db.execute("BEGIN IMMEDIATE")
        more = wanted.refresh_next()(db)
        db.execute("COMMIT")
        longest = max(longest, time.perf_counter() - began)
    return longest


def measure(db: sqlite3.Connection, path: Path, count: int, sample: int) -> dict[str, float]:
    def declare(accounts: Sequence[AccountId]) -> int:
        return folders.declare(FolderName("bench"), b"/bench", accounts)(db)

    folder, bits = declare(_ACCOUNTS), random.Random(1)
    digests = [Digest(bits.randbytes(32)) for _ in range(count)]
    empty, rest, full = digests[:sample], digests[sample : count - sample], digests[-sample:]
    recorded = cpu(lambda: record(db, folder, 0, empty))
    held = cpu(lambda: hold(db, _ACCOUNTS[0], empty))
    found = {"empty_cpu": (recorded + held) / sample}
    record(db, folder, sample, rest)
    hold(db, _ACCOUNTS[0], rest)
    hold(db, _ACCOUNTS[1], digests[: count - sample])
    recorded = cpu(lambda: record(db, folder, count - sample, full))
    held = cpu(lambda: hold(db, _ACCOUNTS[0], full))
    hold(db, _ACCOUNTS[1], full)
    found |= {
        "full_cpu": (recorded + held) / sample,
        "held_bytes": size(db, path) / count,
    }
    declare([*_ACCOUNTS, AccountId("3")])
    found["route_added"] = longest_step(db)
    declare(_ACCOUNTS)
    found["route_removed"] = longest_step(db)
    declare(_ACCOUNTS[:1])
    found["held_route_removed"] = longest_step(db)
    return found


def recorded_bytes(db: sqlite3.Connection, path: Path, count: int) -> float:
    """Return the bytes per file of a ledger whose accounts hold nothing yet."""
    folder = folders.declare(FolderName("bench"), b"/bench", _ACCOUNTS)(db)
    bits = random.Random(1)
    record(db, folder, 0, [Digest(bits.randbytes(32)) for _ in range(count)])
    return size(db, path) / count


def main() -> None:
    path, count, sample = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    with owned(path), maintaining(path) as db:
        found = measure(db, path, count, sample)
    other = path.with_name("recorded.db")
    with owned(other), maintaining(other) as db:
        found["recorded_bytes"] = recorded_bytes(db, other, min(count, 5 * sample))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
