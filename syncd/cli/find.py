"""`syncd find`."""

from __future__ import annotations

import fnmatch
import os
import re
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from syncd.cli.console import print_json, print_row
from syncd.cli.errors import Exit, fail, ledger_required
from syncd.cli.options import load_config
from syncd.config import Config, FolderConfig
from syncd.images.unfinished import sentence
from syncd.ledger import history_rows, search
from syncd.ledger.file import reading
from syncd.ledger.search import FoundFile, FoundImage
from syncd.log import moment
from syncd.model import AccountId, printable
from syncd.rules.forecast import amount
from syncd.wording.account import why_waiting
from syncd.wording.replica import state_of, why_missing

_DIGITS = re.compile(r"[0-9a-fA-F]{6,64}")
"""A SHA-256 or its beginning."""

_HASH = re.compile(r"[0-9A-Za-z_-]{6,128}")
"""The hash of an image in an account, or its beginning."""


def find(what: str, config: Path, *, json: bool) -> None:
    """Print everything that is known about the images that `what` names, or why none is known."""
    settings = load_config(config)
    with ledger_required(), reading(settings.ledger.path) as db:
        images = images_of(settings, db, what)
        images = images or search.by_ids(former_images(settings, db, what))(db)
        waiting = why_waiting(settings, db)
    unread = [] if images else _unread(settings, what)
    if json:
        shown = (images or unread)[: search.MOST]
        print_json([_as_json(image, settings, waiting) for image in shown])
    elif images:
        for line in _listing(images, settings, waiting):
            print_row(line)
    if unread:
        files = [file for image in unread for file in image.files]
        lines = [f"{_path(file)} is not in the ledger: {file.error}" for file in files]
        fail("\n".join(lines), Exit.REJECTED)
    if not images:
        fail(_why_nothing(settings, what))
    if not all(image.is_uploaded for image in images):
        sys.exit(Exit.REJECTED)


def images_of(config: Config, db: sqlite3.Connection, what: str) -> list[FoundImage]:
    """Return the images that `what` names, as the first of its possible meanings has any."""
    if os.path.lexists(what) or "/" in what:
        if found := _by_path(config, db, what):
            return found
        if (digest := _digest_of(what)) is not None:
            return search.by_digest(digest, digest)(db)
    if "/" in what:
        return []
    name = os.fsencode(what)
    return _by_digits(db, what) or search.by_name(name)(db) or search.by_part_of_name(name)(db)


def former_images(config: Config, db: sqlite3.Connection, what: str) -> list[int]:
    """Return the ids of the images that `what` named before their files were gone.

    The history has them; an image can be among them twice.
    """
    images: list[int] = []
    if os.path.lexists(what) or "/" in what:
        for folder, path in _places(config, what):
            images += history_rows.images_of_path(folder.name, path)(db)
    else:
        images += history_rows.images_of_name(os.fsencode(what))(db)
        if _HASH.fullmatch(what):
            images += history_rows.images_of_hash(what, _after_hash(what))(db)
    return images


def _by_path(config: Config, db: sqlite3.Connection, what: str) -> list[FoundImage]:
    for folder, path in _places(config, what):
        directory, _, name = path.rpartition(b"/")
        if found := search.by_path(folder.name, directory, name)(db):
            return found
    return []


def _by_digits(db: sqlite3.Connection, what: str) -> list[FoundImage]:
    found: list[FoundImage] = []
    if _DIGITS.fullmatch(what):
        first, last = what.ljust(64, "0"), what.ljust(64, "f")
        found = search.by_digest(bytes.fromhex(first), bytes.fromhex(last))(db)
    if not found and _HASH.fullmatch(what):
        found = search.by_hash(what, _after_hash(what))(db)
    return found


def _after_hash(begin: str) -> str:
    """Return a text that is after every hash with this beginning."""
    return f"{begin}~"  # ~ is behind each character of a hash


def _digest_of(what: str) -> bytes | None:
    """Return the SHA-256 of a regular file; None for anything else."""
    import hashlib  # noqa: PLC0415  not needed to find a name

    if not os.path.isfile(what):
        return None
    try:
        with open(what, "rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return None


def _places(config: Config, what: str) -> Iterator[tuple[FolderConfig, bytes]]:
    """Return the folders that contain a path, each with the path relative to it."""
    path = os.path.abspath(os.fsencode(what))
    for spelling in dict.fromkeys((path, os.path.realpath(path))):
        for folder in config.folders.values():
            root = folder.path.rstrip(b"/") + b"/"
            if spelling.startswith(root):
                yield folder, spelling.removeprefix(root)


def _unread(config: Config, what: str) -> list[FoundImage]:
    """Return the files that `what` names in the folders, each with why it has not been read."""
    from syncd.folders.unlisted import named  # noqa: PLC0415  imports asyncio

    inside = list(_places(config, what))
    if os.path.lexists(what) and inside:
        return [_unread_file(config, *inside[0])]
    if os.path.lexists(what) or "/" in what:
        return []
    name = os.fsencode(what)

    def is_meant(one: bytes) -> bool:
        return one == name or fnmatch.fnmatchcase(one, name)

    return [_unread_file(config, *one) for one in islice(named(config, is_meant), search.MOST)]


def _unread_file(config: Config, folder: FolderConfig, path: bytes) -> FoundImage:
    from syncd.folders.unlisted import explained  # noqa: PLC0415  imports asyncio

    why = explained(config, folder, path).why
    file = FoundFile(folder=folder.name, root=folder.path, path=path, error=why, is_deleted=False)
    return FoundImage(
        digest=None,
        size=os.lstat(os.path.join(folder.path, path)).st_size,
        format=None,
        width=None,
        height=None,
        unsupported=None,
        files=[file],
        replicas=[],
    )


def _why_nothing(config: Config, what: str) -> str:
    """Return why nothing is known of what the operator named."""
    if os.path.lexists(what):
        return f"{what} is outside every folder of the configuration, and no image has its content"
    if "/" in what:
        is_inside = any(_places(config, what))
        place = "" if is_inside else ", which is outside every folder of the configuration"
        return f"{what} is not in the ledger, and no file has that path{place}"
    return (
        f"nothing is known of {what}: no file has a name like that, and no image has that hash;"
        " `syncd log` shows what happened to files that are gone"
    )


def _listing(
    images: Sequence[FoundImage], config: Config, waiting: Mapping[AccountId, str]
) -> Iterator[str]:
    for number, image in enumerate(images[: search.MOST]):
        if number:
            yield ""
        yield from _lines(image, config, waiting)
    if len(images) > search.MOST:
        yield ""
        yield f"and more: these are the first {search.MOST}; `syncd export` lists every file"


def _lines(image: FoundImage, config: Config, waiting: Mapping[AccountId, str]) -> Iterator[str]:
    for file in image.files:
        yield _path(file)
        yield f"  folder    {file.folder}"
        if file.error:
            yield f"  trouble   {sentence(file.error)}"
        if (absence := _absence(file)) is not None:
            yield f"  deleted   {absence}"
    if image.digest is None:
        return
    if not image.files:
        yield "(no file)"
    yield f"  sha256    {image.digest.hex()}"
    kind = f"{image.format} {image.width}×{image.height}, " if image.format else ""
    yield f"  content   {kind}{amount(image.size, 'byte')}"
    if image.unsupported:
        yield f"  rejected  {image.unsupported}"
    for replica in image.replicas:
        state = state_of(replica, waiting.get(replica.account), config.name_of)
        yield f"  {config.name_of(replica.account)}: {state}"


def _path(file: FoundFile) -> str:
    return printable(os.path.join(file.root, file.path))


def _absence(file: FoundFile) -> str | None:
    """Return whether a file is gone, as the ledger has it or the disk has it now."""
    try:
        os.lstat(os.path.join(file.root, file.path))
        is_there = True
    except FileNotFoundError:
        is_there = False
    except OSError:  # not known
        is_there = not file.is_deleted
    if file.is_deleted:
        return "this file was gone, and is there again" if is_there else "this file is gone"
    return None if is_there else "this file is gone since the last scan"


def _as_json(
    image: FoundImage, config: Config, waiting: Mapping[AccountId, str]
) -> dict[str, object]:
    return {
        "sha256": None if image.digest is None else image.digest.hex(),
        "size": image.size,
        "format": image.format,
        "width": image.width,
        "height": image.height,
        "rejected": image.unsupported,
        "uploaded": image.is_uploaded,
        "files": [
            {
                "file": _path(file),
                "folder": file.folder,
                "deleted": file.is_deleted,
                "why": _absence(file) if file.error is None else sentence(file.error),
            }
            for file in image.files
        ],
        "accounts": {
            config.name_of(replica.account): {
                "held": replica.is_held,
                "wanted": replica.wanted,
                "hash": replica.hash,
                "held_at": moment(replica.held_at),
                "copied_from": replica.copied_from and config.name_of(replica.copied_from),
                "missing_since": None if replica.is_held else moment(replica.wanted_at),
                "name": replica.name,
                "rejected": replica.rejected,
                "why": why_missing(replica, waiting.get(replica.account)),
                "deleted_at": replica.deleted_at,
                "deletion": replica.deletion,
                "kept": replica.kept,
            }
            for replica in image.replicas
        },
    }
