"""A ledger of many files, without the files: rows as the daemon would write them.

Usage: large_ledger LEDGER FILES DIRECTORY. The folders, see `FOLDERS`, would be in DIRECTORY.
Digests and hashes are random, except for those of the file that searches look for. Each file was
changed a second after the one before; the `OLDEST` images have another format and size.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

from syncd.ledger import folders, history
from syncd.ledger.database import open_ledger
from syncd.model import AccountId, FolderName

FOLDERS = tuple(f"f{number}" for number in range(10))
"""All feed the account 1; those with an odd number also its mirror, the account 2."""

DIGEST = "cafe0001" + 56 * "0"
HASH = "cafe0002" + 24 * "0"
"""The SHA-256 and the hash of the file that `wanted_file` names."""

OLDEST = 100
"""The images that arrived first: GIFs of 1080 x 1920 pixels."""

_DIRECTORIES = 200  # in each folder


def wanted_file(files: int) -> tuple[str, str]:
    """Return the directory, relative to a directory of all folders, and the name of a held file.

    It is among the last ones of the ledger.
    """
    number = files - files // 7
    number += -number % 1000 + 5  # neither missing nor rejected nor unreadable: see `fill`
    return f"{FOLDERS[number % 10]}/campaign-{number // 10 % _DIRECTORIES:03}", _name(number)


def _name(number: int) -> str:
    return f"IMG_{number:08}.jpg"


def fill(db: sqlite3.Connection, files: int, directory: bytes) -> None:
    """Record `files` files; a part of their images is missing, rejected, condemned or kept."""
    for number, name in enumerate(FOLDERS):
        accounts = [AccountId("1"), AccountId("2")][: 1 + number % 2]
        folders.declare(FolderName(name), os.path.join(directory, os.fsencode(name)), accounts)(db)
    now = int(time.time())
    number = int(wanted_file(files)[1][4:12])
    db.executescript(
        f"""
        BEGIN;
        CREATE TEMP TABLE number (n INTEGER PRIMARY KEY);
        INSERT INTO number
        WITH RECURSIVE counted (n) AS (
            SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n < {files - 1}
        )
        SELECT n FROM counted;
        INSERT INTO directory (folder_id, parent_id, path)
        SELECT id, NULL, x'' FROM folder;
        INSERT INTO directory (id, folder_id, parent_id, path)
        SELECT 100 + (folder.id - 1) * {_DIRECTORIES} + n, folder.id, root.id,
            CAST(printf('campaign-%03d', n) AS BLOB)
        FROM folder JOIN directory AS root ON root.folder_id = folder.id
            JOIN number ON n < {_DIRECTORIES};
        INSERT INTO image (id, sha256, size, format, width, height)
        SELECT n + 1, randomblob(32), 150000, iif(n < {OLDEST}, 'GIF', 'JPEG'), 1080,
            iif(n < {OLDEST}, 1920, 1080)
        FROM number;
        UPDATE image SET sha256 = x'{DIGEST}' WHERE id = {number} + 1;
        INSERT INTO file (
            directory_id, name, device, inode, size, mtime_ns, ctime_ns, image_id, error,
            error_since
        )
        SELECT 100 + n % 10 * {_DIRECTORIES} + n / 10 % {_DIRECTORIES} AS directory_id,
            CAST(printf('IMG_%08d.jpg', n) AS BLOB) AS name, 1, n, 150000,
            ({now} - {files} + n) * 1000000000, 5,
            iif(n % 1000 = 2, NULL, n + 1), iif(n % 1000 = 2, 'permission denied', NULL),
            iif(n % 1000 = 2, {now}.0, NULL)
        FROM number
        ORDER BY directory_id, name;
        INSERT INTO replica (image_id, account_id, wanted, wanted_at, hash, held_at, rejected)
        SELECT n + 1, route.account_id, 1, {now} - n % 1000000,
            iif(n % 50 IN (0, 1), NULL, lower(hex(randomblob(16)))), {now},
            iif(n % 1000 = 1, printf('100/%d: The file is not valid.', n % 3), NULL)
        FROM number JOIN route ON route.folder_id = 1 + n % 10
        WHERE n % 1000 <> 2;
        UPDATE replica SET hash = '{HASH}' WHERE image_id = {number} + 1;
        UPDATE folder SET scanned_at = {now};
        INSERT INTO operator_pause
        SELECT id, {now}, NULL, NULL, 'bench' FROM account;
        DELETE FROM refresh;
        DROP TABLE number;
        COMMIT;
        """
    )
    images = range(1, files + 1)
    _record(db, "found", None, images, 256, now)
    _record(db, "uploaded", 1, images, 25, now)


def _record(
    db: sqlite3.Connection, what: str, account_id: int | None, images: range, commit: int, now: int
) -> None:
    """Record images in the history, `commit` of them in a row."""
    packed = (
        history.pack(images[first : first + commit]) for first in range(0, len(images), commit)
    )
    db.execute("BEGIN")
    db.executemany(
        "INSERT INTO history (at, what, account_id, images) VALUES (?, ?, ?, ?)",
        ((now, what, account_id, several) for several in packed),
    )
    db.execute("COMMIT")


async def create(ledger: Path) -> None:
    async with open_ledger(ledger):
        pass


def main() -> None:
    ledger, files, directory = Path(sys.argv[1]), int(sys.argv[2]), os.fsencode(sys.argv[3])
    asyncio.run(create(ledger))
    with closing(sqlite3.connect(ledger, isolation_level=None)) as db:
        db.execute("PRAGMA cache_size = -1000000")  # KiB
        db.execute("PRAGMA synchronous = OFF")
        fill(db, files, directory)
        db.execute("PRAGMA analysis_limit = 400")  # as when a ledger is closed
        db.execute("ANALYZE")


if __name__ == "__main__":
    main()
