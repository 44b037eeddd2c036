"""Reads behind `syncd find`: images by file, hash or digest, with everything known about each."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

import msgspec

from syncd.ledger.statements import as_structs, read
from syncd.model import AccountId, joined

MOST = 50
"""Images that one search returns."""


class FoundFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of an image; `path` is relative to the folder, whose path is `root`."""

    folder: str
    root: bytes
    path: bytes
    error: str | None  # why it cannot be read, or a code of an unfinished file
    is_deleted: bool  # it was the last file of the image in the folder


class FoundReplica(msgspec.Struct, frozen=True, kw_only=True):
    """An image in one account; times in unix seconds."""

    account: AccountId
    wanted: bool = False
    wanted_at: int | None = None
    hash: str | None = None
    held_at: int | None = None
    name: str | None = None
    copied_from: AccountId | None = None  # None: it was uploaded, or is not held
    unconfirmed: bool = False  # a DELETE was sent, and its effect is not known
    sent_again: bool = False  # since that DELETE
    rejected: str | None = None
    error: str | None = None  # of the last attempt
    deletion: str | None = None  # its state, if the image is condemned
    why_there: str | None = None  # why a condemned image is still there
    kept: str | None = None  # the reason, if the image is kept
    deleted_at: int | None = None  # by syncd; since then the account was not sent it

    @property
    def is_held(self) -> bool:
        """Whether the account holds it, as far as is known."""
        return self.hash is not None and (self.sent_again or not self.unconfirmed)


class FoundImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image; without a digest, a file that could not be read or is not finished."""

    digest: bytes | None
    size: int
    format: str | None
    width: int | None
    height: int | None
    unsupported: str | None
    files: list[FoundFile]
    replicas: list[FoundReplica]

    @property
    def is_uploaded(self) -> bool:
        """Whether every account that wants it holds it, and at least one account does."""
        wanting = [replica for replica in self.replicas if replica.wanted]
        return any(replica.is_held for replica in self.replicas) and all(
            replica.is_held for replica in wanting
        )


@read
def by_path(db: sqlite3.Connection, folder: str, directory: bytes, name: bytes) -> list[FoundImage]:
    """Return the image of a file, or of a deleted file with that path."""
    path = joined(directory, name)
    return _of_files(
        db,
        """
        SELECT image_id, directory_id, name
        FROM file
        WHERE directory_id = (
                SELECT directory.id
                FROM directory
                JOIN folder ON folder.id = directory.folder_id
                WHERE folder.name = ? AND directory.path = ?
            )
            AND name = ?
        """,
        (folder, directory, name),
    ) or _of_images(db, _deleted(db, "folder.name = ? AND last.path = ?", (folder, path)))


@read
def by_name(db: sqlite3.Connection, name: bytes) -> list[FoundImage]:
    """Return the images of files with that base name, or one that matches it as a glob pattern.

    Deleted files are among them. It reads all names.
    """
    return _named(db, "{name} = ?1 OR CAST({name} AS TEXT) GLOB CAST(?1 AS TEXT)", name)


@read
def by_part_of_name(db: sqlite3.Connection, part: bytes) -> list[FoundImage]:
    """Return the images of files whose base name contains `part`; it reads all names."""
    return _named(db, "instr({name}, ?1) > 0", part)


def _named(db: sqlite3.Connection, matches: str, text: bytes) -> list[FoundImage]:
    found = _of_files(
        db,
        f"""
        SELECT image_id, directory_id, name
        FROM file
        WHERE {matches.format(name="name")}
        LIMIT {MOST + 1}
        """,
        (text,),
    )
    known = {image.digest for image in found}
    deleted = _of_images(db, _deleted(db, matches.format(name=_BASE_NAME), (text,)))
    return found + [image for image in deleted if image.digest not in known]


@read
def unread_by_name(db: sqlite3.Connection, pattern: str, limit: int) -> list[FoundFile]:
    """Return files that cannot be read or are not finished, by a pattern of LIKE for their name."""
    rows = db.execute(
        f"""
        SELECT {_FILE}, 0
        FROM file INDEXED BY file_with_error
        CROSS JOIN directory ON directory.id = file.directory_id
        JOIN folder ON folder.id = directory.folder_id
        WHERE file.error IS NOT NULL AND CAST(file.name AS TEXT) LIKE ? ESCAPE '\\'
        LIMIT ?
        """,
        (pattern, limit),
    )
    return [_file(*row) for row in rows]


@read
def by_digest(db: sqlite3.Connection, first: bytes, last: bytes) -> list[FoundImage]:
    """Return the images whose SHA-256 is at least `first` and at most `last`."""
    rows = db.execute(
        """
        SELECT id
        FROM image
        WHERE sha256 BETWEEN ? AND ?
        ORDER BY sha256
        LIMIT ?
        """,
        (first, last, MOST + 1),
    )
    return _of_images(db, [image for (image,) in rows])


@read
def by_hash(db: sqlite3.Connection, first: str, last: str) -> list[FoundImage]:
    """Return the images with a hash of at least `first` and at most `last` in any account."""
    rows = db.execute(
        """
        SELECT DISTINCT image_id
        FROM replica INDEXED BY replica_by_hash
        WHERE account_id IN (SELECT id FROM account) AND hash BETWEEN ? AND ?
        LIMIT ?
        """,
        (first, last, MOST + 1),
    )
    return _of_images(db, [image for (image,) in rows])


@read
def by_ids(db: sqlite3.Connection, images: Sequence[int]) -> list[FoundImage]:
    """Return these images, or the first of them."""
    return _of_images(db, images[: MOST + 1])


def _of_files(db: sqlite3.Connection, files: str, parameters: Sequence[object]) -> list[FoundImage]:
    rows = db.execute(files, parameters).fetchall()
    images = dict.fromkeys(image for image, _, _ in rows if image is not None)
    unread = [_unread(db, directory, name) for image, directory, name in rows if image is None]
    return _of_images(db, images) + unread


def _unread(db: sqlite3.Connection, directory: int, name: bytes) -> FoundImage:
    size, *file = db.execute(
        f"""
        SELECT file.size, {_FILE}, 0
        FROM file
        JOIN directory ON directory.id = file.directory_id
        JOIN folder ON folder.id = directory.folder_id
        WHERE file.directory_id = ? AND file.name = ?
        """,
        (directory, name),
    ).fetchone()
    return FoundImage(
        digest=None,
        size=size,
        format=None,
        width=None,
        height=None,
        unsupported=None,
        files=[_file(*file)],
        replicas=[],
    )


def _deleted(db: sqlite3.Connection, where: str, parameters: Sequence[object]) -> list[int]:
    """Return the images without a file whose last one had such a path."""
    rows = db.execute(
        f"""
        SELECT DISTINCT image_id
        FROM ({_LAST_FILES}) AS last JOIN folder ON folder.id = last.folder_id
        WHERE {where}
        LIMIT {MOST + 1}
        """,
        parameters,
    )
    return [image for (image,) in rows]


def _of_images(db: sqlite3.Connection, images: Iterable[int]) -> list[FoundImage]:
    return [_image(db, image) for image in images]


def _image(db: sqlite3.Connection, image: int) -> FoundImage:
    digest, size, form, width, height, unsupported = db.execute(
        """
        SELECT sha256, size, format, width, height, unsupported
        FROM image
        WHERE id = ?
        """,
        (image,),
    ).fetchone()
    files = db.execute(
        f"""
        SELECT {_FILE}, 0
        FROM file INDEXED BY file_by_image
        JOIN directory ON directory.id = file.directory_id
        JOIN folder ON folder.id = directory.folder_id
        WHERE file.image_id = ?
        ORDER BY folder.name, path
        """,
        (image,),
    ).fetchall()
    deleted = db.execute(
        f"""
        SELECT DISTINCT folder.name, folder.path, last.path, NULL, 1
        FROM ({_LAST_FILES}) AS last JOIN folder ON folder.id = last.folder_id
        WHERE last.image_id = ?
        """,
        (image,),
    ).fetchall()
    if not files and not deleted:
        deleted = _former_files(db, image)
    known = {(folder, path) for folder, _, path, _, _ in files}
    gone = [file for file in deleted if (file[0], file[2]) not in known]
    return FoundImage(
        digest=digest,
        size=size,
        format=form,
        width=width,
        height=height,
        unsupported=unsupported,
        files=[_file(*file) for file in (*files, *gone)],
        replicas=_replicas(db, image) + _deleted_replicas(db, image),
    )


def _former_files(db: sqlite3.Connection, image: int) -> list[tuple[str, bytes, bytes, None, int]]:
    """Return the last file of an image that has none, as the history has it."""
    return db.execute(
        """
        SELECT folder.name, folder.path, history.path, NULL, 1
        FROM history INDEXED BY history_by_image
        JOIN folder ON folder.id = history.folder_id
        WHERE history.image_id = ? AND history.what = 'gone'
        ORDER BY history.id DESC
        LIMIT 1
        """,
        (image,),
    ).fetchall()


def _file(folder: str, root: bytes, path: bytes, error: str | None, deleted: int) -> FoundFile:
    return FoundFile(folder=folder, root=root, path=path, error=error, is_deleted=bool(deleted))


def _replicas(db: sqlite3.Connection, image: int) -> list[FoundReplica]:
    rows = db.execute(
        """
        SELECT account.act AS account, replica.wanted, replica.wanted_at, replica.hash,
            replica.held_at, replica.remote_name AS name, replica.copied_from,
            replica.delete_sent_at IS NOT NULL AS unconfirmed,
            replica.resent_at IS NOT NULL AS sent_again, replica.rejected,
            replica.last_error AS error, deletion.state AS deletion,
            deletion.reason AS why_there, kept.reason AS kept
        FROM replica
        JOIN account ON account.id = replica.account_id
        LEFT JOIN deletion
            ON deletion.account_id = replica.account_id AND deletion.image_id = replica.image_id
        LEFT JOIN kept
            ON kept.image_id = replica.image_id AND kept.account_id = replica.account_id
        WHERE replica.image_id = ? AND (replica.wanted = 1 OR replica.hash IS NOT NULL)
        ORDER BY account.id
        """,
        (image,),
    )

    def replica(wanted: int, unconfirmed: int, sent_again: int, **columns: object) -> FoundReplica:
        flags = {"wanted": wanted, "unconfirmed": unconfirmed, "sent_again": sent_again}
        return msgspec.convert({**columns, **{k: bool(v) for k, v in flags.items()}}, FoundReplica)

    return as_structs(rows, replica)


def _deleted_replicas(db: sqlite3.Connection, image: int) -> list[FoundReplica]:
    """Return the accounts that syncd deleted an image from, and that neither have nor need it."""
    rows = db.execute(
        """
        SELECT account.act AS account, max(history.at) AS deleted_at
        FROM history INDEXED BY history_by_image
        JOIN account ON account.id = history.account_id
        LEFT JOIN replica
            ON replica.image_id = history.image_id AND replica.account_id = history.account_id
        WHERE history.image_id = ? AND history.what = 'deleted'
            AND replica.hash IS NULL AND coalesce(replica.wanted, 0) = 0
        GROUP BY account.id
        ORDER BY account.id
        """,
        (image,),
    )
    return as_structs(rows, FoundReplica)


_FILE = """folder.name, folder.path AS root,
            CASE directory.path
                WHEN x'' THEN file.name
                ELSE CAST(directory.path || '/' || file.name AS BLOB)
            END AS path,
            file.error"""

_BASE_NAME = "CAST(replace(last.path, rtrim(last.path, replace(last.path, '/', '')), '') AS BLOB)"
"""The last part of a path. rtrim removes every character that is not a slash from the end; what it
leaves is then removed from the begin."""

_LAST_FILES = """
            SELECT image_id, folder_id, path FROM deletion
            UNION ALL
            SELECT image_id, folder_id, path FROM kept
        """
"""The last files of the images that are condemned or kept."""
