"""Statements about misses: files and directories that a scan did not see, believed or doubted."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from syncd.ledger.database import Change, Question
from syncd.ledger.stat_columns import signed

BRANCHES = (
    "WITH RECURSIVE branch (id) AS (SELECT id FROM directory WHERE missed_by = ?1 UNION"
    " SELECT directory.id FROM directory JOIN branch ON directory.parent_id = branch.id)"
)


_FORGET_FILES = f"{BRANCHES} DELETE FROM file WHERE directory_id IN branch"


_FORGET_DIRECTORIES = f"{BRANCHES} DELETE FROM directory WHERE id IN branch"


def mark(
    scan: int, directory_id: int, names: Sequence[bytes], directories: Sequence[int]
) -> Change[None]:
    """Note files and sub-directories that a scan did not see; nothing is believed yet."""

    def change(db: sqlite3.Connection) -> None:
        db.executemany(
            "UPDATE file SET missed_by = ? WHERE directory_id = ? AND name = ?",
            [(scan, directory_id, name) for name in names],
        )
        db.executemany(
            "UPDATE directory SET missed_by = ? WHERE id = ?", [(scan, i) for i in directories]
        )

    return change


def forget(scan: int) -> Change[int]:
    """Forget what a scan missed, once it is believed; answers how many files."""

    def change(db: sqlite3.Connection) -> int:
        # Files first: what wants an image is worked out from the directory that a file leaves.
        db.execute("DELETE FROM file WHERE missed_by = ?", (scan,))
        (files,) = db.execute("SELECT changes()").fetchone()
        db.execute(_FORGET_FILES, (scan,))
        (more,) = db.execute("SELECT changes()").fetchone()
        db.execute(_FORGET_DIRECTORIES, (scan,))
        return int(files + more)

    return change


def count(scan: int, folder_id: int) -> Question[tuple[int, int]]:
    """Return how many of a folder's files a scan has missed, and how many are known."""

    def question(db: sqlite3.Connection) -> tuple[int, int]:
        (files,) = db.execute("SELECT count(*) FROM file WHERE missed_by = ?", (scan,)).fetchone()
        (below,) = db.execute(
            f"{BRANCHES} SELECT count(*) FROM file WHERE directory_id IN branch"
            " AND missed_by IS NULL",
            (scan,),
        ).fetchone()
        (known,) = db.execute(
            "SELECT count(*) FROM directory JOIN file ON file.directory_id = directory.id"
            " WHERE directory.folder_id = ?",
            (folder_id,),
        ).fetchone()
        return files + below, known

    return question


def elsewhere(scan: int, folder_id: int, device: int) -> Question[bool]:
    """Tell whether a file that a scan has missed lay on a file system of which nothing is left: it
    is not the root's, `device`, and no file that was not missed lies on it."""

    def question(db: sqlite3.Connection) -> bool:
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

    return question


def doubt(scan: int) -> Change[None]:
    """Take back what a scan missed that met an error: it proves nothing."""

    def change(db: sqlite3.Connection) -> None:
        db.execute("UPDATE file SET missed_by = NULL WHERE missed_by = ?", (scan,))
        db.execute("UPDATE directory SET missed_by = NULL WHERE missed_by = ?", (scan,))

    return change


def doubt_unfinished() -> Change[None]:
    """Take back what scans missed that an earlier process never ended."""

    def change(db: sqlite3.Connection) -> None:
        db.execute("UPDATE file SET missed_by = NULL WHERE missed_by IS NOT NULL")
        db.execute("UPDATE directory SET missed_by = NULL WHERE missed_by IS NOT NULL")

    return change
