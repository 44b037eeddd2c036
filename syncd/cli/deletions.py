"""`syncd deletions`."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated

import typer

from syncd.cli.console import (
    print_json_array,
    print_json_with_list,
    print_line,
    print_row,
)
from syncd.cli.errors import fail, ledger_required
from syncd.cli.operator import operator_name
from syncd.cli.options import DEFAULT_CONFIG, load_config
from syncd.cli.parameters import ConfigPath, Json, folder_names
from syncd.cli.selected import folder_named
from syncd.config import Config
from syncd.ledger import alerts, condemned, folders, kept, pending
from syncd.ledger.condemned import HeldDeletions
from syncd.ledger.file import changing, reading
from syncd.ledger.folders import SuspectFolder
from syncd.ledger.kept import KeepReason
from syncd.ledger.pending import DeletionStep
from syncd.ledger.replaced import NotReplaced, not_replaced
from syncd.log import moment
from syncd.model import FolderName, printable
from syncd.rules.forecast import amount
from syncd.wording.figures import format_duration, format_time

NAMES = 5
"""Deleted files that are shown per folder."""


class Verb(StrEnum):
    """The action: show the pending deletions, or decide about those of a folder."""

    LIST = "list"
    APPROVE = "approve"
    DISMISS = "dismiss"
    TRUST = "trust"
    RELEASE = "release"


WHY_NOT_REPLACED = {
    "unreadable": "the file cannot be read now, or is not finished",
    "unsupported": "the file is not an image that the accounts accept",
    "rejected": "the account rejects the image that replaced it",
}

WHY_KEPT = {
    KeepReason.KEEP: "their files left a folder that keeps its images",
    KeepReason.EXCLUDED: "their files were excluded by a change of include or exclude",
    KeepReason.SUSPECT: "their files were lost without proof of a deletion, or rewritten"
    " while the folder was suspect",
    KeepReason.RETIRED: "their folder was removed from the configuration",
    KeepReason.MIRROR: "their folder no longer feeds the account",
    KeepReason.DISMISSED: "you dismissed their deletion",
    KeepReason.FOREIGN: "they were in the account before syncd uploaded them",
    KeepReason.CLOCK: "the clocks do not show whether they were in the account before",
    KeepReason.BY_HAND: "`syncd images` uploaded or copied them, and no file wanted them",
}


def deletions(
    verb: Annotated[
        Verb,
        typer.Argument(
            metavar="ACTION",
            help="list: show pending deletions and kept images. approve: delete the held images of"
            " a folder. dismiss: keep them in the accounts. trust: trust a folder that is suspect,"
            " or lost files without a deletion, as it is now, which deletes nothing. release: allow"
            " the deletion of images that are kept.",
        ),
    ] = Verb.LIST,
    name: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER",
            help="The name of the folder; for release also the SHA-256 or the hash of an image.",
            show_default=False,
            autocompletion=folder_names,
        ),
    ] = "",
    show_kept: Annotated[
        bool, typer.Option("--kept", help="List every image that is kept in an account.")
    ] = False,
    json: Json = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Show pending deletions and kept images, and decide about them.

    A running daemon applies a decision within a minute.
    """
    settings = load_config(config)
    if verb is Verb.RELEASE and not name:
        raise typer.BadParameter("name a folder or an image: syncd deletions release FOLDER|HASH")
    if verb is not Verb.LIST and not name:
        raise typer.BadParameter(f"name a folder: syncd deletions {verb} FOLDER")
    if verb not in (Verb.LIST, Verb.RELEASE):
        folder_named(settings, name)
    with ledger_required():
        if verb is Verb.LIST:
            with reading(settings.ledger.path) as db:
                _print(settings, db, show_kept=show_kept, json=json)
            return
        with changing(settings.ledger.path) as db:
            outcome = _decide(verb, FolderName(name), db)
    if outcome is None:
        fail(f"nothing waits for your decision in {name}")
    print_line(outcome)


def _print(config: Config, db: sqlite3.Connection, *, show_kept: bool, json: bool) -> None:
    if json and show_kept:
        print_json_array(_kept_as_json(config, db))
    elif json:
        files = map(_not_replaced_as_json, not_replaced()(db))
        print_json_with_list("not_replaced", files, _pending_as_json(db))
    else:
        for line in _kept(config, db) if show_kept else _pending(config, db):
            print_row(line)


def _decide(verb: Verb, folder: FolderName, db: sqlite3.Connection) -> str | None:
    if verb is Verb.RELEASE:
        return _release(folder, db)
    if verb is Verb.TRUST:
        if folders.accept(folder)(db):
            return f"{folder} is trusted as the next scan finds it; no image is deleted by this"
        fail(f"{folder} is not suspect, and no file of it is kept: there is nothing to trust")
    if verb is Verb.DISMISS:
        images = condemned.dismiss(folder, operator_name())(db)
        return (
            f"{amount(images, 'image')} of {folder} will stay in the accounts" if images else None
        )
    for suspect in folders.suspects()(db):
        if suspect.folder == folder:
            fail(
                f"nothing was approved: {folder} is suspect ({suspect.why}), and none of its files"
                " counts as deleted. If it is right as it is now: syncd deletions trust"
                f" {folder}, which deletes nothing"
            )
    if images := condemned.approve(folder, operator_name())(db):
        return (
            f"{amount(images, 'image')} of {folder} will be deleted after the grace period, except"
            " those that a creative uses"
        )
    return None


def _release(name: str, db: sqlite3.Connection) -> str:
    released = kept.release(name, operator_name())(db)
    if not released.images:
        fail(f"no image of {name} is kept: see syncd deletions --kept")
    text = f"{amount(released.images, 'image')} no longer kept"
    if released.condemned:
        text += (
            f"; {amount(released.condemned, 'image')} will be deleted after the grace period,"
            " except those that a creative uses"
        )
    if stay := released.images - released.condemned:
        text += (
            f"; {amount(stay, 'image')} not to be deleted now: a file needs them, or no folder with"
            ' deletions = "propagate" feeds the account'
        )
    return text


def _kept(config: Config, db: sqlite3.Connection) -> Iterator[str]:
    image = None
    for image in kept.kept_images()(db):
        name = config.name_of(image.account)
        file = "-  -" if image.file is None else f"{image.folder}  {printable(image.file)}"
        yield f"{image.digest.hex()}  {name}  {file}  {image.reason}"
    if image is None:
        yield "no image is kept"


def _pending(config: Config, db: sqlite3.Connection) -> Iterator[str]:
    cases, suspects = condemned.held_deletions(NAMES)(db), folders.suspects()(db)
    steps = pending.steps(time.time())(db)
    for case in cases:
        yield from _case(case)
    for suspect in suspects:
        yield from _suspect(suspect)
    for incident in alerts.ongoing("files.kept")(db):
        yield f"{incident.subject}: files are gone, but were not deleted: {incident.why}"
        yield f"  since     {format_time(incident.since)}"
        yield f"  do        {incident.remedy}"
    grace = format_duration(config.deletions.grace)
    for step in steps:
        if step.state != "held":  # listed as a case
            yield f"folder {step.folder}: {amount(step.images, 'image')} {_next(step, grace)}"
    for file in not_replaced()(db):
        yield (
            f"folder {file.folder}: the former image of {printable(file.file)} stays:"
            f" {WHY_NOT_REPLACED[file.why]}"
        )
    if not (cases or suspects or steps):
        yield "nothing waits to be deleted"
    counts = kept.count_by_reason()(db)
    for reason, images in counts.items():
        why = WHY_KEPT.get(KeepReason(reason), reason)
        yield f"kept in the accounts: {amount(images, 'image')}: {why}"
    if counts:
        yield "  list      syncd deletions --kept"
        yield "  delete    syncd deletions release FOLDER, or the SHA-256 of an image"


def _kept_as_json(config: Config, db: sqlite3.Connection) -> Iterator[Mapping[str, object]]:
    for image in kept.kept_images()(db):
        yield {
            "file": None if image.file is None else printable(image.file),
            "folder": image.folder,
            "account": config.name_of(image.account),
            "sha256": image.digest.hex(),
            "kept": image.reason,
        }


def _not_replaced_as_json(file: NotReplaced) -> Mapping[str, object]:
    return {"file": printable(file.file), "folder": file.folder, "why": file.why}


def _pending_as_json(db: sqlite3.Connection) -> Mapping[str, object]:
    """Return the deletions that wait, the decisions, and the numbers of kept images by reason."""
    return {
        "deletions": [
            {
                "folder": step.folder,
                "deletion": step.state,
                "images": step.images,
                "why": step.reason,
                "retry_at": moment(step.retry_at or None),
            }
            for step in pending.steps(time.time())(db)
        ],
        "deletions_held": [
            {
                "folder": case.folder,
                "path": printable(case.path),
                "images": case.images,
                "files": case.files,
                "since": moment(case.since),
                "scanned_at": moment(case.trusted_at),
                "names": [printable(name) for name in case.names],
            }
            for case in condemned.held_deletions(NAMES)(db)
        ],
        "suspect": [
            {
                "folder": folder.folder,
                "path": printable(folder.path),
                "why": folder.why,
                "since": moment(folder.since),
                "files": folder.files,
            }
            for folder in folders.suspects()(db)
        ],
        "files_kept": alerts.ongoing("files.kept")(db),
        "kept": kept.count_by_reason()(db),
    }


def _next(step: DeletionStep, grace: str) -> str:
    """Return the state of a deletion, and its next step."""
    match step.state:
        case "waiting":
            return (
                f"condemned; each leaves the accounts {grace} after its last file was deleted, once"
                " a complete scan confirms that"
            )
        case "approved":
            return (
                f"approved and not yet gone; each leaves the accounts {grace} after its last file"
                " was deleted, unless a creative uses it"
            )
        case "postponed":
            return f"not deleted: {step.reason}; asked again at {format_time(step.retry_at)}"
        case _:
            return "deleted, which a read of the account has yet to confirm"


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
    if folder.why == folders.MISSING:
        yield f"  fix       {folders.REMEDY_OF_MISSING}"
        return
    yield "  fix       mount it, or restore its files"
    yield f"  or        syncd deletions trust {folder.folder}: trust it as it is, delete nothing"
