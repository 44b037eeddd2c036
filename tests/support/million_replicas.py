"""A ledger of a million replicas, as a few statements write it."""

import sqlite3

from syncd.ledger import history
from syncd.model import Digest


def digest(number: int) -> Digest:
    return Digest(b"%032d" % number)


IMAGES, FOLDERS, ACCOUNTS_PER_FOLDER = 50_000, 10, 20
"""Each folder has its share of the images and of the 200 accounts: 1,000,000 replicas."""


def fill(db: sqlite3.Connection) -> None:
    """Fill a ledger with rows as its statements would write them, but in a few seconds."""
    db.executescript(
        f"""
        CREATE TEMP TABLE number (n INTEGER PRIMARY KEY);
        INSERT INTO number
        WITH RECURSIVE counted (n) AS (
            SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n < {IMAGES - 1}
        )
        SELECT n FROM counted;
        INSERT INTO account (id, act) SELECT n + 1, CAST(n + 1 AS TEXT) FROM number
        WHERE n < {FOLDERS * ACCOUNTS_PER_FOLDER};
        INSERT INTO folder (id, name, path) SELECT n + 1, char(97 + n), CAST(n AS BLOB) FROM number
        WHERE n < {FOLDERS};
        INSERT INTO route
        SELECT folder.id, account.id, account.id - 1 - (folder.id - 1) * {ACCOUNTS_PER_FOLDER}
        FROM folder JOIN account ON (account.id - 1) / {ACCOUNTS_PER_FOLDER} = folder.id - 1;
        INSERT INTO directory (folder_id, parent_id, path)
        SELECT id, NULL, x'' FROM folder;
        INSERT INTO directory (folder_id, parent_id, path)
        SELECT folder.id, directory.id, CAST('d' || n AS BLOB)
        FROM folder JOIN directory ON directory.folder_id = folder.id JOIN number ON n < 50;
        INSERT INTO image (id, sha256, size, format, width, height)
        SELECT n + 1, CAST(printf('%032d', n) AS BLOB), 7, 'PNG', 1, 1 FROM number;
        INSERT INTO file (directory_id, name, device, inode, size, mtime_ns, ctime_ns, image_id)
        SELECT {FOLDERS} + 1 + n % {FOLDERS * 50}, CAST(n AS BLOB), 1, n, 7, 4, 5, n + 1
        FROM number;
        INSERT INTO replica (account_id, image_id, wanted, wanted_at, hash, held_at)
        SELECT route.account_id, file.image_id, 1, file.image_id,
            iif(file.image_id % 3, printf('%032x', file.image_id), NULL), 1
        FROM file JOIN directory ON directory.id = directory_id JOIN route USING (folder_id);
        INSERT INTO history (at, what, image_id, folder_id, path)
        SELECT file.image_id, 'gone', file.image_id, directory.folder_id,
            CAST(directory.path || '/' || file.name AS BLOB)
        FROM file JOIN directory ON directory.id = directory_id;
        INSERT INTO receiver (code, history_id) VALUES ('a', 0);
        DROP TABLE number;
        """
    )
    for first in range(1, IMAGES, 25):
        history.record_held(db, 1, history.What.UPLOADED, range(first, first + 25))
