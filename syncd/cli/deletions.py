"""`syncd deletions`."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

import typer

from syncd.cli.console import amount, moment, span
from syncd.cli.exits import Exit
from syncd.cli.options import DEFAULT_CONFIG, ConfigPath, configured
from syncd.config import Config
from syncd.ledger import condemned, folders
from syncd.ledger.condemned import HeldDeletions
from syncd.ledger.database import changing, reading
from syncd.ledger.folders import SuspectFolder
from syncd.model import FolderName, printable

NAMES = 5
"""Files that are named of each case."""


class Verb(StrEnum):
    """What is to be done about what waits."""

    LIST = "list"
    APPROVE = "approve"
    DISMISS = "dismiss"


def deletions(
    verb: Annotated[
        Verb,
        typer.Argument(
            help="list what waits; approve: delete a folder's held images, or take a doubted folder"
            " as it is now; dismiss: leave the held images in the accounts."
        ),
    ] = Verb.LIST,
    folder: Annotated[
        str, typer.Argument(metavar="FOLDER", help="The folder, by its name.", show_default=False)
    ] = "",
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Say which deletions wait, and decide about those that are held for a person.

    A running daemon takes a decision up within a minute.
    """
    settings = configured(config)
    if verb is not Verb.LIST and FolderName(folder) not in settings.folders:
        known = ", ".join(settings.folders)
        sys.stderr.write(f"syncd: name the folder: syncd deletions {verb} FOLDER, of {known}\n")
        raise typer.Exit(Exit.NOT_ALL)
    try:
        if verb is Verb.LIST:
            with reading(settings.ledger.path) as db:
                for line in _listed(settings, db):
                    print(line)
        else:
            with changing(settings.ledger.path) as db:
                said = _decide(verb, FolderName(folder), db)
            if said is None:
                sys.stderr.write(f"syncd: nothing waits for a person in {folder}\n")
                raise typer.Exit(Exit.NOT_ALL)
            print(said)
    except FileNotFoundError as error:
        sys.stderr.write(f"syncd: {error}\n")
        raise typer.Exit(Exit.NOT_ALL) from None


def _decide(verb: Verb, folder: FolderName, db: sqlite3.Connection) -> str | None:
    if verb is Verb.DISMISS:
        images = condemned.dismiss(folder)(db)
        return (
            f"{amount(images, 'image')} of {folder} will stay in the accounts" if images else None
        )
    if images := condemned.approve(folder)(db):
        said = f"{amount(images, 'image')} of {folder} will be deleted once the grace is over"
        return f"{said}, except what a creative uses"
    if folders.accept(folder)(db):
        return f"{folder} is taken as the next scan finds it; no image is deleted for that"
    return None


def _listed(config: Config, db: sqlite3.Connection) -> Iterator[str]:
    cases, doubted = condemned.held_deletions(NAMES)(db), folders.suspects()(db)
    waiting = [pending for pending in condemned.pending()(db) if pending.waiting]
    for case in cases:
        yield from _case(case)
    for folder in doubted:
        yield from _doubted(folder)
    grace = span(config.deletions.grace)
    for pending in waiting:
        yield (
            f"folder {pending.folder}: {amount(pending.waiting, 'image')} condemned; each leaves"
            f" the accounts {grace} after its last file was deleted, if a whole scan confirms that"
        )
    if not (cases or doubted or waiting):
        yield "nothing waits to be deleted"


def _case(case: HeldDeletions) -> Iterator[str]:
    share = case.images / max(1, case.images + case.files)
    yield f"folder {case.folder}: {amount(case.images, 'image')} held for you to decide"
    yield f"  since     {moment(case.since)}"
    yield f"  share     {share:.0%} of what the folder had; {amount(case.files, 'file')} are left"
    yield f"  root      {printable(case.path)} (device {case.device}, inode {case.inode})"
    if case.trusted_at is not None:
        yield f"  scanned   {moment(case.trusted_at)}: whole, without an error, the same root"
    yield f"  such as   {', '.join(printable(name) for name in case.names)}"
    yield f"  delete    syncd deletions approve {case.folder}"
    yield f"  keep      syncd deletions dismiss {case.folder}"


def _doubted(folder: SuspectFolder) -> Iterator[str]:
    yield f"folder {folder.folder}: {folder.why}: nothing in it is believed to be deleted"
    yield f"  since     {moment(folder.since)}"
    had = "" if folder.files is None else f"; it had {amount(folder.files, 'file')}"
    yield f"  root      {printable(folder.path)}{had}"
    yield "  mend      mount it, or put its files back"
    yield f"  or        syncd deletions approve {folder.folder}: take it as it is, delete nothing"
