"""Statements about kept images: syncd never deletes them from an account until they are released.

An image is kept because a file of it has left a folder without a deletion that propagates, because
of a decision of the operator, or because it is not syncd's own. A kept image is not condemned.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

import msgspec

from syncd.ledger import history
from syncd.ledger.history import What
from syncd.ledger.statements import full_path, read, write
from syncd.model import AccountId, Digest


class KeepReason(StrEnum):
    """Why an image is kept in an account; the first three end when a file of the folder has it."""

    KEEP = "keep"
    """Its last file in a folder that keeps its images is gone."""
    EXCLUDED = "excluded"
    """The patterns of its folder no longer include its last file."""
    SUSPECT = "suspect"
    """Its last file was lost without proof of a deletion, or rewritten in a suspect folder."""
    RETIRED = "retired"
    """Its folder was removed from the configuration."""
    MIRROR = "mirror"
    """Its folder no longer feeds the account."""
    DISMISSED = "dismissed"
    """The operator has dismissed its deletion."""
    FOREIGN = "foreign"
    """It was in the account before syncd uploaded it."""
    CLOCK = "clock"
    """The clocks do not show whether it was in the account before syncd uploaded it."""
    BY_HAND = "by_hand"
    """`syncd images` uploaded or copied it, and no file wanted it there."""


class KeptImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image that is kept in an account, and the file for whose sake it was, if there was one."""

    account: AccountId
    digest: Digest
    folder: str | None
    file: bytes | None  # its whole path
    reason: str


class Released(msgspec.Struct, frozen=True):
    """The numbers of images that are no longer kept, and of those that are now to be deleted."""

    images: int
    condemned: int


_KEEP = """
        INSERT INTO kept (account_id, image_id, folder_id, path, reason, kept_at)
        SELECT replica.account_id, replica.image_id, lost.folder_id, lost.path, lost.reason,
            (julianday('now') - 2440587.5) * 86400.0
        FROM ({lost}) AS lost
        CROSS JOIN replica
            ON replica.image_id = lost.image_id AND replica.account_id = lost.account_id
        WHERE replica.hash IS NOT NULL OR replica.sent_at IS NOT NULL
        ON CONFLICT DO NOTHING
        RETURNING account_id, image_id, folder_id, path, reason
        """
"""Keeps the images of `lost` (image_id, account_id, folder_id, path, reason) where they are held,
or were sent."""

_LAST_OF_FOLDER = """NOT EXISTS (
                SELECT 1
                FROM file
                JOIN directory ON directory.id = file.directory_id
                WHERE file.image_id = {lost}.image_id AND directory.folder_id = {lost}.folder_id
            )"""

_GONE = f"""
            SELECT gone.image_id, route.account_id, gone.folder_id, gone.path,
                iif(folder.deletions = 'keep', 'keep', :reason) AS reason
            FROM gone
            JOIN folder ON folder.id = gone.folder_id
            JOIN route ON route.folder_id = folder.id
            WHERE (folder.deletions = 'keep' OR :reason IS NOT NULL)
                AND {_LAST_OF_FOLDER.format(lost="gone")}
        """

_REPLACED = f"""
            SELECT :image AS image_id, route.account_id, place.folder_id,
                CASE place.path
                    WHEN x'' THEN :name ELSE CAST(place.path || '/' || :name AS BLOB)
                END AS path,
                iif(folder.deletions = 'keep', 'keep', 'suspect') AS reason
            FROM (
                SELECT :image AS image_id, folder_id, path FROM directory WHERE id = :directory
            ) AS place
            JOIN folder ON folder.id = place.folder_id
            JOIN route ON route.folder_id = folder.id
            LEFT JOIN baseline ON baseline.folder_id = folder.id
            WHERE (
                    folder.deletions = 'keep'
                    OR baseline.inode IS NULL
                    OR baseline.suspect IS NOT NULL
                )
                AND {_LAST_OF_FOLDER.format(lost="place")}
        """

_FORMER = """
            SELECT file.image_id, former_route.account_id, directory.folder_id,
                CASE directory.path
                    WHEN x'' THEN file.name ELSE CAST(directory.path || '/' || file.name AS BLOB)
                END AS path,
                former_route.reason
            FROM file
            JOIN directory ON directory.id = file.directory_id
            JOIN former_route ON former_route.folder_id = directory.folder_id
            WHERE file.directory_id = :directory AND file.name = :name
                AND file.image_id IS NOT NULL
        """


def keep_gone(db: sqlite3.Connection, reason: KeepReason | None) -> None:
    """Keep the images of the files in `gone` that their folder no longer contains.

    Without a reason, only those of folders that keep their images: the others were deleted.
    """
    _keep(db, _GONE, {"reason": reason})


def keep_replaced(db: sqlite3.Connection, replaced: Iterable[tuple[int, int, bytes]]) -> None:
    """Keep the images that rewritten files contained, where that condemns nothing.

    Each is an image id, a directory id and a file name.
    """
    for image, directory, name in replaced:
        _keep(db, _REPLACED, {"image": image, "directory": directory, "name": name})


def keep_former(db: sqlite3.Connection, files: Iterable[tuple[int, bytes]]) -> None:
    """Keep the images of files, (directory id, name), where their folder no longer feeds them."""
    if db.execute("SELECT 1 FROM former_route LIMIT 1").fetchone() is None:  # the usual case
        return
    for directory, name in files:
        _keep(db, _FORMER, {"directory": directory, "name": name})


def keep_condemned(
    db: sqlite3.Connection, which: str, reason: str, values: Sequence[object] = ()
) -> int:
    """Keep condemned images instead of deleting them, and return the number of replicas.

    `which` is a condition on `deletion`, `reason` an SQL expression.
    """
    condemned = db.execute(
        f"""
        SELECT image_id, account_id, folder_id, path, {reason} AS reason
        FROM deletion
        WHERE {which}
        """,
        values,
    ).fetchall()
    for image, account, folder, path, why in condemned:
        kept = db.execute(
            _KEEP.format(
                lost="""
            SELECT ?1 AS image_id, ?2 AS account_id, ?3 AS folder_id, ?4 AS path, ?5 AS reason
        """
            ),
            (image, account, folder, path, why),
        ).fetchall()
        if why != KeepReason.DISMISSED:  # the decision is recorded
            history.record_kept(db, What.KEPT, kept)
    db.executemany(
        "DELETE FROM deletion WHERE image_id = ? AND account_id = ?",
        [row[:2] for row in condemned],
    )
    return len(condemned)


def end_for_found(db: sqlite3.Connection, found: Iterable[tuple[int, int]]) -> None:
    """End what was kept because its file was gone: images (id) found in a folder (id) again."""
    if db.execute("SELECT 1 FROM kept LIMIT 1").fetchone() is None:
        return
    db.executemany(
        """
        DELETE FROM kept
        WHERE image_id = ? AND folder_id = ? AND reason IN ('keep', 'excluded', 'suspect')
        """,
        found,
    )


@write
def keep(db: sqlite3.Connection, account: AccountId, digest: Digest, reason: KeepReason) -> None:
    """Keep a condemned image in its account."""
    keep_condemned(
        db,
        "account_id = (SELECT id FROM account WHERE act = ?)"
        " AND image_id = (SELECT id FROM image WHERE sha256 = ?)",
        f"'{reason}'",
        (account, digest),
    )


@write
def release(db: sqlite3.Connection, name: str, user: str | None = None) -> Released:
    """End what is kept because of the folder `name`, or of the image with that SHA-256 or hash.

    Where no file wants such an image and a folder that propagates deletions feeds the account, it
    is condemned now, without another decision.
    """
    rows = db.execute(
        """
        SELECT kept.account_id, kept.image_id, kept.folder_id, kept.path
        FROM kept
        LEFT JOIN folder ON folder.id = kept.folder_id
        CROSS JOIN image ON image.id = kept.image_id
        LEFT JOIN replica
            ON replica.image_id = kept.image_id AND replica.account_id = kept.account_id
        WHERE folder.name = ?1 OR lower(hex(image.sha256)) = lower(?1) OR replica.hash = ?1
        """,
        (name,),
    ).fetchall()
    history.record_kept(db, What.RELEASED, [(*row, None) for row in rows], user)
    condemned = set()
    for account, image, folder, path in rows:
        db.execute("DELETE FROM kept WHERE account_id = ? AND image_id = ?", (account, image))
        inserted = db.execute(
            """
            INSERT INTO deletion (account_id, image_id, folder_id, path, found_at, state)
            SELECT replica.account_id, replica.image_id, folder.id,
                coalesce(?4, CAST(replica.remote_name AS BLOB), x''),
                (julianday('now') - 2440587.5) * 86400.0, 'approved'
            FROM replica
            JOIN route ON route.account_id = replica.account_id
            JOIN folder ON folder.id = route.folder_id AND folder.deletions = 'propagate'
            WHERE replica.account_id = ?1 AND replica.image_id = ?2
                AND replica.wanted = 0
                AND (
                    replica.hash IS NOT NULL
                    OR EXISTS (
                        SELECT 1
                        FROM unanswered
                        WHERE unanswered.account_id = ?1 AND unanswered.image_id = ?2
                    )
                )
            ORDER BY folder.id IS ?3 DESC
            LIMIT 1
            ON CONFLICT DO NOTHING
            """,
            (account, image, folder, path),
        )
        if inserted.rowcount > 0:
            condemned.add(image)
    return Released(len({image for _, image, *_ in rows}), len(condemned))


@read
def count_by_reason(db: sqlite3.Connection) -> dict[str, int]:
    """Return the number of kept images for each reason."""
    return dict(
        db.execute(
            """
            SELECT reason, count(DISTINCT image_id)
            FROM kept
            GROUP BY reason
            ORDER BY reason
            """
        )
    )


@read
def kept_images(db: sqlite3.Connection) -> Iterator[KeptImage]:
    """Yield every kept image, by folder and file."""
    rows = db.execute(
        f"""
        SELECT account.act, image.sha256, folder.name, {full_path("kept.path")}, kept.reason
        FROM kept
        CROSS JOIN account ON account.id = kept.account_id
        CROSS JOIN image ON image.id = kept.image_id
        LEFT JOIN folder ON folder.id = kept.folder_id
        ORDER BY folder.name, kept.path, account.act
        """
    )
    return (
        KeptImage(account=account, digest=digest, folder=folder, file=file, reason=reason)
        for account, digest, folder, file, reason in rows
    )


def _keep(db: sqlite3.Connection, lost: str, values: dict[str, object]) -> None:
    kept = db.execute(_KEEP.format(lost=lost), values).fetchall()
    history.record_kept(db, What.KEPT, kept)
    db.executemany(
        """
        DELETE FROM deletion
        WHERE account_id = ? AND image_id = ? AND state <> 'requested'
        """,
        [key[:2] for key in kept],
    )
