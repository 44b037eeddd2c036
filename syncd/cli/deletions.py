"""`syncd deletions`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

import typer

from syncd.cli.console import format_duration, format_time
from syncd.cli.errors import fail, ledger_required
from syncd.cli.options import DEFAULT_CONFIG, ConfigPath, load_config
from syncd.config import Config
from syncd.ledger import condemned, folders
from syncd.ledger.condemned import HeldDeletions
from syncd.ledger.database import changing, reading
from syncd.ledger.folders import SuspectFolder
from syncd.model import FolderName, printable
from syncd.rules.forecast import amount

NAMES = 5
"""Deleted files that are shown per folder."""


class Verb(StrEnum):
    """The action: show the pending deletions, or decide about those of a folder."""

    LIST = "list"
    APPROVE = "approve"
    DISMISS = "dismiss"


def deletions(
    verb: Annotated[
        Verb,
        typer.Argument(
            help="list: show pending deletions. approve: delete the held images of a folder, or"
            " trust a suspect folder as it is now. dismiss: keep the held images in the accounts."
        ),
    ] = Verb.LIST,
    folder: Annotated[
        str, typer.Argument(metavar="FOLDER", help="The name of the folder.", show_default=False)
    ] = "",
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Show pending deletions, and approve or dismiss those that are held for your decision.

    A running daemon applies a decision within a minute.
    """
    settings = load_config(config)
    if verb is not Verb.LIST and FolderName(folder) not in settings.folders:
        known = ", ".join(settings.folders)
        fail(f"name a folder of the configuration ({known}): syncd deletions {verb} FOLDER")
    with ledger_required():
        if verb is Verb.LIST:
            with reading(settings.ledger.path) as db:
                for line in _pending(settings, db):
                    print(line)
            return
        with changing(settings.ledger.path) as db:
            outcome = _decide(verb, FolderName(folder), db)
    if outcome is None:
        fail(f"nothing waits for your decision in {folder}")
    print(outcome)


def _decide(verb: Verb, folder: FolderName, db: sqlite3.Connection) -> str | None:
    if verb is Verb.DISMISS:
        images = condemned.dismiss(folder)(db)
        return (
            f"{amount(images, 'image')} of {folder} will stay in the accounts" if images else None
        )
    if images := condemned.approve(folder)(db):
        return (
            f"{amount(images, 'image')} of {folder} will be deleted after the grace period, except"
            " those that a creative uses"
        )
    if folders.accept(folder)(db):
        return f"{folder} is trusted as the next scan finds it; no image is deleted by this"
    return None


def _pending(config: Config, db: sqlite3.Connection) -> Iterator[str]:
    cases, suspects = condemned.held_deletions(NAMES)(db), folders.suspects()(db)
    waiting = [pending for pending in condemned.pending()(db) if pending.waiting]
    for case in cases:
        yield from _case(case)
    for folder in suspects:
        yield from _suspect(folder)
    grace = format_duration(config.deletions.grace)
    for pending in waiting:
        yield (
            f"folder {pending.folder}: {amount(pending.waiting, 'image')} condemned; each leaves"
            f" the accounts {grace} after its last file was deleted, once a complete scan confirms"
            " that"
        )
    if not (cases or suspects or waiting):
        yield "nothing waits to be deleted"


def _case(case: HeldDeletions) -> Iterator[str]:
    share = case.images / max(1, case.images + case.files)
    yield f"folder {case.folder}: {amount(case.images, 'image')} held for you to decide"
    yield f"  since     {format_time(case.since)}"
    yield f"  share     {share:.0%} of the folder; {amount(case.files, 'file')} remain"
    yield f"  root      {printable(case.path)} (device {case.device}, inode {case.inode})"
    if case.trusted_at is not None:
        yield f"  scanned   {format_time(case.trusted_at)}: complete, no errors, the same root"
    yield f"  such as   {', '.join(printable(name) for name in case.names)}"
    yield f"  delete    syncd deletions approve {case.folder}"
    yield f"  keep      syncd deletions dismiss {case.folder}"


def _suspect(folder: SuspectFolder) -> Iterator[str]:
    yield f"folder {folder.folder}: {folder.why}: none of its files counts as deleted"
    yield f"  since     {format_time(folder.since)}"
    had = "" if folder.files is None else f"; it had {amount(folder.files, 'file')}"
    yield f"  root      {printable(folder.path)}{had}"
    yield "  fix       mount it, or restore its files"
    yield f"  or        syncd deletions approve {folder.folder}: trust it as it is, delete nothing"
