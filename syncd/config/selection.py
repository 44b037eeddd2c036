"""The part of a configuration that a command works on: some accounts, some folders."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from syncd.config.schema import Config
from syncd.model import AccountName, FolderName


class Selection(msgspec.Struct, frozen=True):
    """Accounts, and the folders whose images they get; each of one feeds or gets from the other."""

    accounts: tuple[AccountName, ...]
    folders: tuple[FolderName, ...]
    by_folder: bool
    """Only the images of these folders; otherwise every image that the accounts want."""

    @property
    def only(self) -> tuple[FolderName, ...]:
        """The folders that images have to be in; none if every image counts."""
        return self.folders if self.by_folder else ()

    def is_all(self, config: Config) -> bool:
        """Return whether it is the whole configuration."""
        sizes = (len(self.accounts), len(self.folders))
        return sizes == (len(config.accounts), len(config.folders))


def select(
    config: Config, accounts: Collection[AccountName] = (), folders: Collection[FolderName] = ()
) -> Selection:
    """Return the folders of `folders` that feed one of `accounts`, and the accounts they feed.

    An empty collection stands for all. The names have to be in the configuration.
    """
    chosen = [name for name in config.accounts if not accounts or name in accounts]
    feeds = {
        name: {folder.account, *folder.mirrors}.intersection(chosen)
        for name, folder in config.folders.items()
        if not folders or name in folders
    }
    fed = frozenset[AccountName]().union(*feeds.values())
    return Selection(
        tuple(name for name in chosen if name in fed or not folders),
        tuple(name for name, routes in feeds.items() if routes),
        bool(folders),
    )
