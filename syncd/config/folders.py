"""The folders of the file: where they are, which accounts they go to, and what of them."""

import os
from collections.abc import Collection

from syncd.config import values
from syncd.config.errors import quoted
from syncd.config.reader import Table, choices
from syncd.config.schema import FolderConfig
from syncd.model import AccountName, Copying, Deletions, FolderName

PLACE = "/srv/creatives/spring"
EXAMPLE = f'[folders.spring]\npath = "{PLACE}"\naccount = "main"'
IMAGES = ("*.jpg", "*.jpeg", "*.png", "*.gif", "*.bmp", "*.tif", "*.tiff")


def read_folders(
    table: Table, accounts: Collection[str]
) -> tuple[dict[FolderName, FolderConfig], dict[FolderName, str]]:
    """Return the folders that could be read, and every path that could, as it was written.

    Accounts are all the names that the file declares.
    """
    folders: dict[FolderName, FolderConfig] = {}
    paths: dict[FolderName, str] = {}
    for name, inner in table.tables():
        path = inner.required("path", values.path(PLACE), f"write path = {quoted(PLACE)}")
        folder = _read_folder(FolderName(name), path, inner, accounts)
        if path is not None:
            paths[FolderName(name)] = path
        if folder is not None:
            folders[folder.name] = folder
    if not table.names():
        table.findings.refuse(table.key, "there is no folder", f"write\n{EXAMPLE}")
    return folders, paths


def _read_folder(
    name: FolderName, path: str | None, table: Table, accounts: Collection[str]
) -> FolderConfig | None:
    account = table.required("account", values.text, _account_advice(accounts))
    mirrors: tuple[str, ...] = table.optional("mirrors", values.texts, ())
    copying = table.optional("copy", values.one_of(Copying), Copying.AUTO)
    include: tuple[str, ...] = table.optional("include", values.patterns, IMAGES)
    exclude: tuple[str, ...] = table.optional("exclude", values.patterns, ())
    deletions = table.optional("deletions", values.one_of(Deletions), Deletions.KEEP)
    if not include:
        table.refuse("include", "is empty, and takes no file", "leave it out to take all images")
    _check_route(table, account, mirrors, accounts)
    table.close()
    if path is None or account is None:
        return None
    return FolderConfig(
        name=name,
        path=os.fsencode(path),
        account=AccountName(account),
        mirrors=tuple(map(AccountName, mirrors)),
        copy=copying,
        include=include,
        exclude=exclude,
        deletions=deletions,
    )


def _check_route(
    table: Table, account: str | None, mirrors: tuple[str, ...], accounts: Collection[str]
) -> None:
    for key, names in (("account", (account,)), ("mirrors", mirrors)):
        for name in dict.fromkeys(names):
            # Without any account, that is the mistake; it has been said.
            if name is not None and accounts and name not in accounts:
                table.refuse(key, f"there is no account {quoted(name)}", choices(accounts, name))
    for name in dict.fromkeys(mirrors):
        if name == account:
            table.refuse(
                "mirrors",
                f"names {quoted(name)}, which is the folder's account already",
                f"leave {quoted(name)} out of the mirrors",
            )
        elif mirrors.count(name) > 1:
            table.refuse(
                "mirrors", f"names {quoted(name)} more than once", "write each account once"
            )


def _account_advice(accounts: Collection[str]) -> str:
    return f"write account = {quoted(next(iter(accounts), 'main'))}"
