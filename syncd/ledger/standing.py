"""How an account or a folder stands: all that `syncd status` shows of it, in one question."""

from __future__ import annotations

import sqlite3

import msgspec

from syncd.ledger import accounts, condemned, queries
from syncd.ledger.accounts import Pause
from syncd.ledger.queries import Count, FolderState, Tally
from syncd.ledger.statements import read
from syncd.model import AccountId


class AccountStanding(msgspec.Struct, frozen=True):
    """An account: its images, what pauses or stops it, and why images are not held."""

    tally: Tally
    pause: Pause | None  # also one that is over by now
    rejections: list[Count]
    troubles: list[Count]


class FolderStanding(msgspec.Struct, frozen=True):
    """A folder: as it was last seen, and what in it waits for a person."""

    state: FolderState
    unreadable: list[Count]
    deletions_held: int  # images


@read
def of_account(db: sqlite3.Connection, account: AccountId) -> AccountStanding:
    """Return how an account stands."""
    return AccountStanding(
        queries.tally(account)(db),
        accounts.pauses()(db).get(account),
        queries.rejections(account)(db),
        queries.troubles(account)(db),
    )


@read
def of_folder(db: sqlite3.Connection, name: str) -> FolderStanding:
    """Return how a folder stands that the ledger knows."""
    return FolderStanding(
        queries.folder_state(name)(db),
        queries.unreadable_files(name)(db),
        condemned.held_images(name)(db),
    )
