"""Which folders' images would go to another ad account than before."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from syncd.config.schema import AccountConfig, Config
from syncd.config.selection import Selection
from syncd.model import AccountId, FolderName


class AccountChange(msgspec.Struct, frozen=True):
    """A folder, the ad account that its images went to, and the one that they go to now."""

    folder: FolderName
    before: AccountId
    account: AccountConfig

    def sentence(self, before: str | None = None, now: str | None = None) -> str:
        """Return the change as a sentence, with the names of both ad accounts if they are known."""
        was = f"act_{self.before}" if before is None else f"act_{self.before} ({before})"
        name = self.account.name if now is None else f"{self.account.name}: {now}"
        folder = f"folder {self.folder}: its account was {was}"
        return f"{folder}, and is now act_{self.account.id} ({name})"


def changed_accounts(
    config: Config, known: Mapping[FolderName, AccountId], part: Selection | None = None
) -> list[AccountChange]:
    """Return the folders whose images no longer go to their own account of before, the `known` one.

    An account that is a mirror now, or belongs to another shard, still gets them. With a part, only
    its folders and accounts count.
    """
    changes = []
    for name, folder in config.folders.items():
        account, before = config.accounts[folder.account], known.get(name)
        if part is not None and not (name in part.folders and account.name in part.accounts):
            continue
        if before is None or before in config.routes(folder):
            continue
        if config.ledger.has(before):
            changes.append(AccountChange(name, before, account))
    return changes
