"""`syncd init` on a terminal: the token, the accounts and the folders, asked one by one.

Nothing is written until the last question has been replied to.
"""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import msgspec
import typer

from syncd.cli.console import print_line, print_row
from syncd.cli.errors import Exit, fail
from syncd.cli.init_config import Target, missing_folders, problems_of, target_of, write
from syncd.config import (
    GraphConfig,
    Secret,
    SecretError,
    SecretFile,
    checked_secret,
    read_secret,
    values,
)
from syncd.config.errors import InvalidValueError
from syncd.graph.access import AdAccount
from syncd.graph.access_calls import ad_accounts
from syncd.graph.client import Credentials, GraphError, connect
from syncd.logs.secrets import without_secrets
from syncd.logs.setup import hide
from syncd.model import printable
from syncd.rules.forecast import amount
from syncd.setup.choices import chosen, is_choice, matching, proposed
from syncd.setup.written import Draft, Folder, FormError

_TRIES = 3
_SHOWN = 20
"""Accounts that are listed at once; a text filters the list."""
_NAMED = 5
"""More chosen accounts get the proposed names, without questions."""
_ACTIVE = 1  # developers.facebook.com, Ad Account, account_status


def ask_and_write(
    config: Path, *, token_file: str | None, ledger: Path | None, base_url: str | None
) -> None:
    """Ask for everything that the options do not say, and write it; Ctrl-C writes nothing."""
    server = _server(base_url)  # the token is sent to it before the configuration is checked
    target = target_of(config)
    file = token_file or (str(target.places.token) if target.places.token.exists() else None)
    try:
        token, found = _accepted_token(file, server)
        draft = Draft(
            token=target.places.source,
            ledger=os.path.abspath(ledger or target.places.ledger),
            accounts=_named(_selected(found)),
            folders={},
            base_url=base_url,
        )
        draft = _with_folders(target, draft)
    except (KeyboardInterrupt, EOFError):
        print_line()
        fail("nothing was written", Exit.INTERRUPTED)
    is_there = file is not None and os.path.abspath(file) == str(target.places.token)
    write(target, draft, None if is_there else token)


def _server(base_url: str | None) -> str:
    """Return the address of the API, if the configuration may contain it."""
    try:
        return GraphConfig().base_url if base_url is None else values.base_url(base_url)
    except InvalidValueError as error:
        raise typer.BadParameter(f"{error.message}: {error.fix}", param_hint="--base-url") from None


def _accepted_token(file: str | None, base_url: str) -> tuple[Secret, list[AdAccount]]:
    """Return a token that the API accepts, and its ad accounts; end the command without one."""
    tries = _TRIES if file is None else 1
    while True:
        token = _token(file)
        found = [] if token is None else _reached(token, base_url)
        if token is not None and found:
            return token, found
        tries -= 1
        if tries == 0:
            fail("nothing was written: a token that reaches ad accounts is needed")


def _token(file: str | None) -> Secret | None:
    """Return the token that a file contains or the operator types; print why it cannot be used."""
    try:
        if file is None:
            token = checked_secret(getpass.getpass("Access token (not shown): "), "the input")
        else:
            token = read_secret(SecretFile(os.path.abspath(file)), os.environ)
    except SecretError as error:
        print_row(str(error))
        return None
    hide(token)
    return token


def _reached(token: Secret, base_url: str) -> list[AdAccount]:
    """Return the ad accounts that a token reaches; print why that list is empty."""
    try:
        found = asyncio.run(_ad_accounts(token, base_url))
    except GraphError as error:
        print_row(without_secrets(str(error)))
        if error.api_error.code is None:  # not about the token: the API cannot be reached
            fail("nothing was written: correct that, then run init again")
        return []
    if not found:
        print_line("This token reaches no ad accounts: assign accounts to its user first.")
    return found


async def _ad_accounts(token: Secret, base_url: str) -> list[AdAccount]:
    default = GraphConfig()
    async with connect(base_url, default.version, default.timeout) as client:
        return await ad_accounts(client, Credentials(token))


def _selected(accounts: Sequence[AdAccount]) -> list[AdAccount]:
    """Return the accounts that the operator selects from the list."""
    print_line(f"The token reaches {amount(len(accounts), 'ad account')}:")
    default = "all" if len(accounts) == 1 else ""
    shown = list(range(1, len(accounts) + 1))
    _list(accounts, shown)
    while True:
        text = _input("Accounts (such as 1,3-5, all, or a text to search for)", default)
        if not text:
            continue
        if is_choice(text):
            try:
                return [accounts[number - 1] for number in chosen(text, shown, len(accounts))]
            except FormError as error:
                print_row(str(error))
        elif found := matching(accounts, text):
            shown = found
            _list(accounts, shown)
        else:
            print_line(f'no account contains "{text}"')


def _list(accounts: Sequence[AdAccount], numbers: Sequence[int]) -> None:
    for number in numbers[:_SHOWN]:
        one = accounts[number - 1]
        facts = [one.name, one.business, None if one.status in (_ACTIVE, None) else "not active"]
        print_row(f"{number:>4}  act_{one.id}  {' · '.join(filter(None, facts))}")
    if len(numbers) > _SHOWN:
        print_line(f"      and {len(numbers) - _SHOWN} more: type a text that their names contain")


def _named(accounts: Sequence[AdAccount]) -> dict[str, str]:
    """Return the id of each account by its name in the configuration."""
    found: dict[str, str] = {}
    for one in accounts:
        name = proposed(one.name, found, "account")
        if len(accounts) <= _NAMED:
            name = _name(f"Name for act_{one.id}", name, found)
        found[name] = f"act_{one.id}"
    return found


def _with_folders(target: Target, draft: Draft) -> Draft:
    """Ask for folders until the reply is empty; each is checked as the configuration will be."""
    while True:
        question = "Another folder, or Enter to finish" if draft.folders else "Folder with images"
        path = _input(question, "")
        if not path and draft.folders:
            return draft
        if not path:
            continue
        path = os.path.abspath(os.path.expanduser(path))
        name = proposed(os.path.basename(path), draft.folders, "folder")
        tried = _with_folder(draft, name, Folder(path, next(iter(draft.accounts))))
        if problems := [*problems_of(target, tried), *missing_folders(tried)]:
            print_line(problems[0].partition(": ")[2])
            continue
        name = _name("Name for it", name, draft.folders)
        draft = _with_folder(draft, name, _with_accounts(path, list(draft.accounts)))


def _with_folder(draft: Draft, name: str, folder: Folder) -> Draft:
    return msgspec.structs.replace(draft, folders={**draft.folders, name: folder})


def _with_accounts(path: str, names: Sequence[str]) -> Folder:
    """Ask which accounts get the images of a folder."""
    if len(names) == 1:
        return Folder(path, names[0])
    print_line(f"The accounts are {', '.join(names)}")
    account = _valid("Account for its images", names[0], lambda text: _check_known([text], names))
    others = _valid(
        "Mirrors, with commas between them, or Enter for none",
        "",
        lambda text: _check_known(_split(text), [name for name in names if name != account]),
    )
    return Folder(path, account, tuple(dict.fromkeys(_split(others))))


def _split(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _check_known(given: Collection[str], names: Collection[str]) -> None:
    for name in given:
        if name not in names:
            raise FormError(f'"{name}" is not one of {", ".join(names)}')


def _name(question: str, proposal: str, taken: Collection[str]) -> str:
    def check(name: str) -> None:
        if name in taken:
            raise FormError(f'"{name}" is the name of another one')
        try:
            values.check_name(name)
        except InvalidValueError as error:
            raise FormError(f"it {error.message}: {error.fix}") from None

    return _valid(question, proposal, check)


def _valid(question: str, default: str, check: Callable[[str], None]) -> str:
    """Return a reply that passes the check; ask again until there is one."""
    while True:
        text = _input(question, default)
        try:
            check(text)
        except FormError as error:
            print_row(str(error))
        else:
            return text


def _input(question: str, default: str) -> str:
    proposal = f" [{default}]" if default else ""
    return input(printable(f"{question}{proposal}: ")).strip() or default
