"""Statements about misses: files and directories that a scan did not see, believed or doubted."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from syncd.ledger.stat_columns import signed
from syncd.ledger.statements import read, write

BRANCHES = (
    "WITH RECURSIVE branch (id) AS (SELECT id FROM directory WHERE missed_by = ?1 UNION"
    " SELECT directory.id FROM directory JOIN branch ON directory.parent_id = branch.id)"
)


_FORGET_FILES = f"{BRANCHES} DELETE FROM file WHERE directory_id IN branch"


_FORGET_DIRECTORIES = f"{BRANCHES} DELETE FROM directory WHERE id IN branch"


@write
def mark(
    db: sqlite3.Connection,
    scan: int,
    directory_id: int,
    names: Sequence[bytes],
    directories: Sequence[int],
) -> None:
    """Note files and sub-directories that a scan did not see; nothing is believed yet."""
    db.executemany(
        "UPDATE file SET missed_by = ? WHERE directory_id = ? AND name = ?",
        [(scan, directory_id, name) for name in names],
    )
    db.executemany(
        "UPDATE directory SET missed_by = ? WHERE id = ?", [(scan, i) for i in directories]
    )


@write
def forget(db: sqlite3.Connection, scan: int) -> int:
    """Forget what a scan missed, once it is believed; answers how many files."""
    # Files first: what wants an image is worked out from the directory that a file leaves.
    db.execute("DELETE FROM file WHERE missed_by = ?", (scan,))
    (files,) = db.execute("SELECT changes()").fetchone()
    db.execute(_FORGET_FILES, (scan,))
    (more,) = db.execute("SELECT changes()").fetchone()
    db.execute(_FORGET_DIRECTORIES, (scan,))
    return int(files + more)


@read
def count(db: sqlite3.Connection, scan: int, folder_id: int) -> tuple[int, int]:
    """Return how many of a folder's files a scan has missed, and how many are known."""
    (files,) = db.execute("SELECT count(*) FROM file WHERE missed_by = ?", (scan,)).fetchone()
    (below,) = db.execute(
        f"{BRANCHES} SELECT count(*) FROM file WHERE directory_id IN branch AND missed_by IS NULL",
        (scan,),
    ).fetchone()
    (known,) = db.execute(
        "SELECT count(*) FROM directory JOIN file ON file.directory_id = directory.id"
        " WHERE directory.folder_id = ?",
        (folder_id,),
    ).fetchone()
    return files + below, known


@read
def elsewhere(db: sqlite3.Connection, scan: int, folder_id: int, device: int) -> bool:
    """Tell whether a file that a scan has missed lay on a file system of which nothing is left: it
    is not the root's, `device`, and no file that was not missed lies on it."""
    row = db.execute(
        f"{BRANCHES}, gone (device) AS (SELECT DISTINCT device FROM file"
        " WHERE (missed_by = ?1 OR directory_id IN branch) AND device <> ?3)"
        " SELECT 1 FROM gone WHERE NOT EXISTS (SELECT 1 FROM directory JOIN file"
        " ON file.directory_id = directory.id WHERE directory.folder_id = ?2"
        " AND file.device = gone.device AND file.missed_by IS NOT ?1"
        " AND directory.id NOT IN branch)",
        (scan, folder_id, signed(device)),
    ).fetchone()
    return row is not None


@write
def doubt(db: sqlite3.Connection, scan: int) -> None:
    """Take back what a scan missed that met an error: it proves nothing."""
    db.execute("UPDATE file SET missed_by = NULL WHERE missed_by = ?", (scan,))
    db.execute("UPDATE directory SET missed_by = NULL WHERE missed_by = ?", (scan,))


@write
def doubt_unfinished(
    db: sqlite3.Connection,
) -> None:
    """Take back what scans missed that an earlier process never ended."""
    db.execute("UPDATE file SET missed_by = NULL WHERE missed_by IS NOT NULL")
    db.execute("UPDATE directory SET missed_by = NULL WHERE missed_by IS NOT NULL")
