"""Which folders' images would go to another ad account than before."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from syncd.config.schema import AccountConfig, Config
from syncd.model import AccountId, FolderName


class AccountChange(msgspec.Struct, frozen=True):
    """A folder, the ad account that its images went to, and the one that they go to now."""

    folder: FolderName
    before: AccountId
    account: AccountConfig

    def __str__(self) -> str:
        now = f"act_{self.account.id} ({self.account.name})"
        return f"folder {self.folder}: its account was act_{self.before}, and is now {now}"


def changed_accounts(config: Config, known: Mapping[FolderName, AccountId]) -> list[AccountChange]:
    """Return the folders whose own account is not the `known` one; mirrors do not count."""
    changes = []
    for name, folder in config.folders.items():
        account, before = config.accounts[folder.account], known.get(name)
        if before is not None and before != account.id:
            changes.append(AccountChange(name, before, account))
    return changes
