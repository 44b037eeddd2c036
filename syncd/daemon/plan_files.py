"""`syncd plan --files`: what would become of each file, as the plan's copy of the ledger has it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from enum import StrEnum

import msgspec

from syncd.config import Config, FolderConfig
from syncd.config.selection import Selection
from syncd.daemon.plan import Plan
from syncd.folders import skipped
from syncd.folders.left_out import left_out
from syncd.ledger import export, planned
from syncd.ledger.export import Row, State
from syncd.model import AccountName, Copying, Digest, printable
from syncd.rules.copy import is_copied


class Action(StrEnum):
    """What would become of a file in an account; the values are what `syncd plan` prints."""

    UPLOAD = "upload"
    COPY = "copy"
    REJECT = "reject"
    SKIP = "skip"
    DELETE = "delete"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A file with an action; `accounts` are several for a file that its folder does not take."""

    action: Action
    accounts: tuple[AccountName, ...]
    folder: str
    file: str
    size: int | None
    why: str | None


def changes(
    config: Config, part: Selection, plan: Plan, db: sqlite3.Connection
) -> Iterator[Change]:
    """Yield a change for each file that is sent or cannot be, with one page in memory.

    An image of several files is sent once for each account, and only the first file has a change.
    Files that are not taken and images that are to be deleted follow.
    """
    names = {config.accounts[name].id: name for name in part.accounts}
    for row in export.rows(db):
        name = names.get(row.account)
        if name is None or row.folder not in part.folders:
            continue
        action = _action(config, part, plan, name, row, db)
        if action is not None:
            yield Change(
                action=action,
                accounts=(name,),
                folder=row.folder,
                file=printable(row.path),
                size=row.size,
                why=row.why if action is Action.REJECT else None,
            )
    for folder_name in part.folders:
        yield from _left_out(config.folders[folder_name], part)
    for deletion in planned.deletions()(db):
        if (name := names.get(deletion.account)) is not None and deletion.folder in part.folders:
            yield Change(
                action=Action.DELETE,
                accounts=(name,),
                folder=deletion.folder,
                file=printable(deletion.file),
                size=deletion.size,
                why=deletion.state,
            )


def _action(
    config: Config,
    part: Selection,
    plan: Plan,
    name: AccountName,
    row: Row,
    db: sqlite3.Connection,
) -> Action | None:
    match row.state:
        case State.REJECTED | State.UNREADABLE | State.UNFINISHED:
            return Action.REJECT
        case State.MISSING if row.digest is not None:
            way = planned.way(row.account, Digest(row.digest), part.folders)(db)
            if way.first != (row.folder, row.directory, row.file):
                return None  # the image is sent once
            per_call = min(config.pack.images, plan.accounts[name].tally.missing)
            return Action.COPY if _copies(way, row.size, per_call) else Action.UPLOAD
        case _:
            return None


def _copies(way: planned.Way, size: int, per_call: int) -> bool:
    """Return whether a mirror copies an image, if `per_call` images of its size are missing."""
    match way.mirror:
        case Copying.COPY:
            return True  # once the folder's own account holds it
        case Copying.AUTO:
            return way.held_elsewhere and is_copied(Copying.AUTO, per_call, size * per_call)
        case _:
            return False


def _left_out(folder: FolderConfig, part: Selection) -> Iterator[Change]:
    fed = tuple(one for one in (folder.account, *folder.mirrors) if one in part.accounts)
    for path, why in left_out(folder):
        yield Change(
            action=Action.SKIP,
            accounts=fed,
            folder=folder.name,
            file=printable(path),
            size=None,
            why=skipped.text(why),
        )
