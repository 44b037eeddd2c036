"""The question before a backfill whose folders feed other ad accounts than before."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from syncd.cli.console import print_error
from syncd.cli.errors import fail
from syncd.config import Config
from syncd.config.account_change import changed_accounts
from syncd.config.selection import Selection
from syncd.daemon.account_view import view
from syncd.engine.tokens import OpenAccount
from syncd.ledger import folders
from syncd.ledger.errors import LedgerOutdatedError
from syncd.ledger.file import reading
from syncd.ledger.lock import exclusive_lock
from syncd.ledger.migration import migrate


def _migrate(ledger: Path) -> None:
    """Migrate an older ledger, as the backfill would do after the question."""
    try:
        with reading(ledger):
            return
    except LedgerOutdatedError:
        with exclusive_lock(ledger):
            done = migrate(ledger, lambda *_: None)
    if done is not None:
        print_error(f"syncd: {ledger} was migrated; {done.backup} is a backup", "info")


def confirm_changes(config: Config, part: Selection, open_account: OpenAccount) -> None:
    """Ask on the terminal whether to send to other ad accounts than before; end if not.

    Only the accounts and folders of the part count.
    """
    if not config.ledger.path.exists():
        return
    _migrate(config.ledger.path)
    with reading(config.ledger.path) as db:
        changes = changed_accounts(config, folders.own_accounts()(db), part)
    if not changes:
        return
    shown = asyncio.run(view(config, open_account, changes))
    for change in changes:
        print_error(shown.sentence(change), "warning")
    print_error("Images that are in the old account stay there. Continue? [y/N]", "warning")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        fail("nothing was sent; correct the account's id in the configuration")
