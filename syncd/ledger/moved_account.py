"""Statements that move an account from one ledger to another, for another machine.

SQLite does not commit in two files at once. The target is written first: a process that ends
between the two commits leaves the account in both, and the same move can be made again.

The history stays where it was written, and both ledgers record the move: rows of the history are in
order of arrival, and receivers are notified of those that arrive.
"""

from __future__ import annotations

import sqlite3

from syncd.ledger import history
from syncd.ledger.accounts import add
from syncd.ledger.directories import ensure_directory
from syncd.ledger.history import What
from syncd.ledger.statements import read, write
from syncd.model import AccountId

TABLES = (
    *("replica", "deletion", "unanswered", "kept", "kept_hash", "own", "former_hash", "audit"),
    *("learned", "pause", "operator_pause", "api_call", "activity"),
)
"""The tables with facts about an account."""

ROUTES = ("route", "former_route")
"""The tables of the configuration: the start of the target's machine writes its own."""

_OF_IMAGES = ("replica", "deletion", "unanswered", "kept", "former_hash")

_VALUES = {
    "id": "NULL",  # of a call: in order of arrival here
    "account_id": "?2",
    "image_id": """(
        SELECT here.id
        FROM other.image AS there JOIN main.image AS here ON here.sha256 = there.sha256
        WHERE there.id = moved.image_id
    )""",
    "folder_id": """(
        SELECT here.id
        FROM other.folder AS there JOIN main.folder AS here ON here.name = there.name
        WHERE there.id = moved.folder_id
    )""",
    "directory_id": """(
        SELECT here.id
        FROM other.directory AS there
            JOIN other.folder AS its ON its.id = there.folder_id
            JOIN main.folder ON folder.name = its.name
            JOIN main.directory AS here ON here.folder_id = folder.id AND here.path = there.path
        WHERE there.id = moved.directory_id
    )""",
    "source_id": """coalesce((
        SELECT here.id
        FROM other.account AS there JOIN main.account AS here ON here.act = there.act
        WHERE there.id = moved.source_id
    ), 0)""",
    # What the files of this machine require, which its scans find.
    "wanted": """coalesce((
        SELECT wanted
        FROM main.replica AS here JOIN main.image ON image.id = here.image_id
        WHERE here.account_id = ?2
            AND image.sha256 = (SELECT sha256 FROM other.image WHERE id = moved.image_id)
    ), 0)""",
    "found_age": "NULL",  # an age of the other ledger: the whole grace begins again
    "position": "0",  # an image id of the other ledger: the audit begins again
    "began_at": "NULL",
}
"""The value of each column that is not copied as it is; ?2 is the account's id in the target."""


_CONDITIONS = {
    "learned": """(
        source_id = 0
        OR source_id IN (
            SELECT there.id
            FROM other.account AS there JOIN main.account AS here ON here.act = there.act
        )
    )"""
}
"""Which rows of a table are copied, where not all are: those about a source known here."""


@read
def has(db: sqlite3.Connection, account: AccountId) -> bool:
    """Return whether the ledger has a fact about an account."""
    return any(
        db.execute(
            f"SELECT 1 FROM {table} JOIN account ON account.id = account_id WHERE act = ? LIMIT 1",
            (account,),
        ).fetchone()
        for table in TABLES
    )


@write
def receive(db: sqlite3.Connection, account: AccountId, source: str, user: str | None) -> None:
    """Copy an account from the ledger that is attached as `other`; `source` is its path."""
    add(db, [account])
    (here,) = db.execute("SELECT id FROM main.account WHERE act = ?", (account,)).fetchone()
    there, tier, charged, body = db.execute(
        """
        SELECT id, tier, images_charged_until, largest_body
        FROM other.account
        WHERE act = ?
        """,
        (account,),
    ).fetchone()
    db.execute(
        """
        UPDATE main.account
        SET tier = ?2, images_charged_until = ?3, largest_body = ?4
        WHERE id = ?1
        """,
        (here, tier, charged, body),
    )
    _receive_names(db, there)
    for table in TABLES:
        columns = _columns(db, table)
        values = ", ".join(_VALUES.get(column, f"moved.{column}") for column in columns)
        if table == "api_call":  # without a key: a second move must not count them twice
            db.execute("DELETE FROM main.api_call WHERE account_id = ?", (here,))
        db.execute(
            f"""
            INSERT OR REPLACE INTO main.{table} ({", ".join(columns)})
            SELECT {values}
            FROM other.{table} AS moved
            WHERE moved.account_id = ?1 AND {_CONDITIONS.get(table, "?2")}
            """,
            (there, here),
        )
    history.record_account(db, What.MOVED, account, user, f"from {source}")


def _receive_names(db: sqlite3.Connection, there: int) -> None:
    """Copy the images, folders and directories that rows about the account refer to."""
    for table in _OF_IMAGES:
        db.execute(
            f"""
            INSERT INTO main.image (sha256, size, format, width, height, unsupported)
            SELECT sha256, size, format, width, height, unsupported
            FROM other.image
            WHERE id IN (SELECT image_id FROM other.{table} WHERE account_id = ?)
            ORDER BY id
            ON CONFLICT DO NOTHING
            """,
            (there,),
        )
    db.execute(
        """
        INSERT INTO main.folder (name, path, deletions, copying)
        SELECT name, path, deletions, copying
        FROM other.folder
        WHERE id IN (
            SELECT folder_id FROM other.kept WHERE account_id = ?1
            UNION
            SELECT folder_id FROM other.deletion WHERE account_id = ?1
        )
        ON CONFLICT DO NOTHING
        """,
        (there,),
    )
    directories = db.execute(
        """
        SELECT DISTINCT here.id, directory.path
        FROM other.deletion
            JOIN other.directory ON directory.id = deletion.directory_id
            JOIN other.folder AS its ON its.id = directory.folder_id
            JOIN main.folder AS here ON here.name = its.name
        WHERE deletion.account_id = ?
        """,
        (there,),
    ).fetchall()
    for folder_id, path in directories:
        ensure_directory(db, folder_id, path)


def _columns(db: sqlite3.Connection, table: str) -> list[str]:
    """Return the columns of a table that are stored."""
    rows = db.execute(f"PRAGMA main.table_xinfo({table})")
    return [name for _, name, _, _, _, _, hidden in rows if not hidden]


@write
def release(db: sqlite3.Connection, account: AccountId, target: str, user: str | None) -> None:
    """Remove an account that another ledger, whose path is `target`, has received."""
    history.record_account(db, What.MOVED, account, user, f"to {target}")
    for table in (*TABLES, *ROUTES):
        db.execute(
            f"DELETE FROM {table} WHERE account_id = (SELECT id FROM account WHERE act = ?)",
            (account,),
        )
