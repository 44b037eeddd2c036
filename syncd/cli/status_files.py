"""`syncd status --files`: the files that an account does not hold, or that syncd does not take."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from enum import StrEnum

import msgspec

from syncd.cli.console import print_json_array, print_row
from syncd.cli.errors import Exit, fail, ledger_required
from syncd.config import Config, FolderConfig
from syncd.config.selection import Selection
from syncd.folders import skipped
from syncd.images.unfinished import sentence
from syncd.ledger import listings
from syncd.ledger.file import reading
from syncd.ledger.listings import ListedFile
from syncd.model import printable
from syncd.wording.account import why_waiting


class Kind(StrEnum):
    """The files that are listed."""

    MISSING = "missing"
    REJECTED = "rejected"
    SKIPPED = "skipped"
    UNREADABLE = "unreadable"
    """Files that cannot be read, and files that are not finished."""


class FileLine(msgspec.Struct, frozen=True, kw_only=True):
    """A file in the output of --json."""

    file: str
    folder: str
    account: str | None  # None: the file is listed for all accounts of its folder
    why: str | None


def print_files(kind: Kind, config: Config, part: Selection, *, json: bool) -> None:
    """Print each file of a kind with its reason, as it is found."""
    lines = _lines(kind, config, part)
    if json:
        print_json_array(lines)
        return
    for line in lines:
        account = "" if line.account is None else f"{line.account}: "
        why = "" if line.why is None else f": {line.why}"
        print_row(f"{account}{line.file}{why}")


def _lines(kind: Kind, config: Config, part: Selection) -> Iterator[FileLine]:
    if kind is Kind.SKIPPED:
        for name in part.folders:
            yield from _skipped(str(name), config.folders[name])
        return
    path = config.ledger.path
    try:
        with ledger_required(), reading(path) as db:
            yield from _from_ledger(kind, config, part, db)
    except PermissionError as error:
        why = (error.strerror or str(error)).lower()
        fail(f"cannot read {path} ({why}); run it as root or the daemon's user", Exit.SYSTEM)


def _from_ledger(
    kind: Kind, config: Config, part: Selection, db: sqlite3.Connection
) -> Iterator[FileLine]:
    folders = {str(name) for name in part.folders}
    if kind is Kind.UNREADABLE:
        for file in listings.unread(db):
            if file.folder in folders:
                yield _line(file, None, None if file.reason is None else sentence(file.reason))
        return
    read = listings.missing if kind is Kind.MISSING else listings.rejected
    waiting = why_waiting(config, db) if kind is Kind.MISSING else {}
    for name in part.accounts:
        account = config.accounts[name].id
        for file in read(db, account):
            if file.folder in folders:
                yield _line(file, str(name), file.reason or waiting.get(account))


def _line(file: ListedFile, account: str | None, why: str | None) -> FileLine:
    return FileLine(file=printable(file.path), folder=file.folder, account=account, why=why)


def _skipped(name: str, folder: FolderConfig) -> Iterator[FileLine]:
    from syncd.folders.left_out import left_out  # noqa: PLC0415  the other kinds need no patterns

    for path, why in left_out(folder):
        yield FileLine(file=printable(path), folder=name, account=None, why=skipped.text(why))
