"""`syncd find`."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from itertools import groupby
from typing import Annotated

import typer

from syncd.cli.console import format_time, print_line
from syncd.cli.errors import fail, ledger_required
from syncd.cli.options import DEFAULT_CONFIG, ConfigPath, load_config
from syncd.config import Config, FolderConfig
from syncd.folders.unknown import explanation
from syncd.images.unfinished import sentence
from syncd.ledger import queries
from syncd.ledger.database import reading
from syncd.ledger.queries import FileState
from syncd.model import AccountId, printable
from syncd.rules.forecast import amount


def find(
    what: Annotated[
        str,
        typer.Argument(
            metavar="PATH|HASH|DIGEST",
            help="The path of a file, the hash of an image in an account, or a SHA-256.",
        ),
    ],
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Show everything that is known about one image.

    For a file that the ledger does not have, show why: skipped, not scanned yet, still changing, or
    outside every folder.
    """
    settings = load_config(config)
    with ledger_required(), reading(settings.ledger.path) as db:
        standings = _find(settings, db, what)
    if not standings:
        fail(_why_unknown(settings, what))
    for line in _lines(settings, standings):
        print_line(line)


def _find(config: Config, db: sqlite3.Connection, what: str) -> list[FileState]:
    if re.fullmatch(r"[0-9a-fA-F]{64}", what):
        return queries.by_digest(bytes.fromhex(what))(db)
    if re.fullmatch(r"[0-9a-fA-F]{32}", what) and not os.path.lexists(what):
        return queries.by_hash(what.lower())(db)
    for folder, path in _places(config, what):
        directory, _, name = path.rpartition(b"/")
        if found := queries.by_path(folder.name, directory, name)(db):
            return found
    return []


def _places(config: Config, what: str) -> Iterator[tuple[FolderConfig, bytes]]:
    """Return the folders that contain a path, each with the path relative to it."""
    path = os.path.abspath(os.fsencode(what))
    for spelling in dict.fromkeys((path, os.path.realpath(path))):
        for folder in config.folders.values():
            root = folder.path.rstrip(b"/") + b"/"
            if spelling.startswith(root):
                yield folder, spelling.removeprefix(root)


def _why_unknown(config: Config, what: str) -> str:
    """Return why the ledger does not have an image."""
    if re.fullmatch(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{64}", what) and not os.path.lexists(what):
        return f"the ledger has no image for {what}"
    places = list(_places(config, what))
    if not os.path.lexists(what):
        place = "" if places else " and outside every folder of the configuration"
        return f"{what} is not in the ledger, and no file has that path{place}"
    if not places:
        return f"{what} is outside every folder of the configuration"
    folder, path = places[0]
    return f"{what} is not in the ledger: {explanation(folder, path, config.watch.settle)}"


def _lines(config: Config, standings: list[FileState]) -> Iterator[str]:
    names = {account.id: name for name, account in config.accounts.items()}
    for (root, path), group in groupby(standings, key=lambda s: (s.root, s.path)):
        rows = list(group)
        first = rows[0]
        yield printable(os.path.join(root, path))
        yield f"  folder    {first.folder}"
        if first.file_trouble:
            yield f"  trouble   {sentence(first.file_trouble)}"
        if first.digest is None:
            continue
        yield f"  sha256    {first.digest.hex()}"
        kind = f"{first.format} {first.width}×{first.height}, " if first.format else ""
        yield f"  content   {kind}{amount(first.size, 'byte')}"
        for row in rows:
            if row.account is not None:
                name = names.get(AccountId(row.account), f"act_{row.account}")
                yield f"  {name}: {_state(row)}"


def _state(row: FileState) -> str:
    if row.hash is not None:
        named = f", named {row.name}" if row.name else ""
        since = f" since {format_time(row.held_at)}" if row.held_at else ""
        if row.unconfirmed:
            return f"sent again as {row.hash}{since}{named}; to be confirmed"
        return f"held as {row.hash}{since}{named}"
    if row.unconfirmed:
        return "missing: its deletion was under way when its file returned; it is sent again"
    if row.rejected is not None:
        return f"rejected: {row.rejected}"
    return f"missing: {row.trouble}" if row.trouble else "missing"
