"""A ledger in which every file of a tree is held, written within minutes.

Usage: filled_ledger TREE LEDGER. The statements are those of the daemon, in one transaction.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import time
from contextlib import closing
from hashlib import sha256
from pathlib import Path

from syncd.folders.safe_open import stat_of
from syncd.ledger import files, folders, replicas
from syncd.ledger.database import open_ledger
from syncd.ledger.files import Content, Place
from syncd.model import AccountId, Digest, Entry, FolderName, ImageHash

_ACCOUNT = AccountId("1")


async def create(ledger: Path) -> None:
    async with open_ledger(ledger):
        pass


def fill(root: bytes, db: sqlite3.Connection) -> None:
    """Record every file below the root as read and held."""
    folder = folders.declare(FolderName("bench"), root, [_ACCOUNT])(db)
    held: list[tuple[Digest, Entry]] = []
    for path, _, names in os.walk(root):
        directory = os.path.relpath(path, root) if path != root else b""
        for name in names:
            where = os.path.join(path, name)
            stat = stat_of(os.lstat(where))
            with open(where, "rb") as file:
                digest = Digest(sha256(file.read()).digest())
            content = Content(
                digest=digest, size=stat.size, format="PNG", width=1, height=1, unfit=None
            )
            files.record_all([(Place(folder, directory, name), stat, content)])(db)
            entry = Entry(
                hash=ImageHash(digest.hex()[:32]),
                name=os.fsdecode(name),
                width=1,
                height=1,
            )
            held.append((digest, entry))
    held.sort(key=lambda pair: pair[0])
    replicas.record_held(_ACCOUNT, held, time.time())(db)
    folders.record_scanned(folder, time.time())(db)


def main() -> None:
    root, ledger = os.fsencode(sys.argv[1]), Path(sys.argv[2])
    asyncio.run(create(ledger))
    with closing(sqlite3.connect(ledger, isolation_level=None)) as db:
        db.execute("PRAGMA cache_size = -1000000")  # KiB
        db.execute("PRAGMA synchronous = OFF")
        db.execute("BEGIN")
        fill(root, db)
        db.execute("COMMIT")
        db.execute("ANALYZE")


if __name__ == "__main__":
    main()
