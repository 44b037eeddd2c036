"""The accounts and folders of the configuration that a command names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NoReturn

from syncd.cli.errors import Exit, fail
from syncd.config import AccountConfig, Config, FolderConfig, NotifyConfig
from syncd.config.selection import Selection, select
from syncd.model import AccountId, AccountName, FolderName


def selected(
    config: Config, accounts: Sequence[str] | None, folders: Sequence[str] | None
) -> Selection:
    """Return the part that the options name; end the process if they exclude each other."""
    part = select(
        config,
        [account_named(config, name).name for name in accounts or ()],
        [folder_named(config, name).name for name in folders or ()],
    )
    if not part.accounts:
        fail(
            f"the folder {_listed(folders)} does not feed the account {_listed(accounts)}:"
            f" see [folders] in {config.path}",
            Exit.USAGE,
        )
    return part


def account_named(config: Config, name: str) -> AccountConfig:
    """Return the account of that name; end the process if the configuration has none."""
    if (account := config.accounts.get(AccountName(name))) is None:
        _fail("account", name, config.accounts)
    return account


def account_of_any_shard(config: Config, given: str) -> AccountId:
    """Return the account of that name or id, also of another machine; end the process if neither.

    An account that the configuration no longer has can be given by its id.
    """
    if (known := config.ids.get(AccountName(given))) is not None:
        return known
    digits = given.removeprefix("act_")
    if not (digits.isascii() and digits.isdigit()):
        _fail("account", given, config.ids)
    return AccountId(digits)


def folder_named(config: Config, name: str) -> FolderConfig:
    """Return the folder of that name; end the process if the configuration has none."""
    if (folder := config.folders.get(FolderName(name))) is None:
        _fail("folder", name, config.folders)
    return folder


def receiver_named(config: Config, name: str) -> NotifyConfig:
    """Return the receiver of that name; end the process if the configuration has none."""
    names = [receiver.name for receiver in config.notify]
    if name not in names:
        _fail("receiver", name, names)
    return config.notify[names.index(name)]


def _fail(kind: str, name: str, known: Iterable[str]) -> NoReturn:
    from difflib import get_close_matches  # noqa: PLC0415  only after a mistake

    names = list(known)
    near = get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    fail(f"no {kind} {name} in the configuration; it has: {', '.join(names)}{hint}", Exit.USAGE)


def _listed(names: Collection[str] | None) -> str:
    return " or ".join(names or ())
