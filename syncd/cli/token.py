"""`syncd token`: show, test, set."""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli.console import print_line
from syncd.cli.errors import Exit, fail
from syncd.cli.fast_start import fast_imports
from syncd.cli.options import DEFAULT_CONFIG, load_config
from syncd.cli.parameters import ConfigPath, account_names
from syncd.cli.stored_secrets import load_with_stored_secrets
from syncd.config import (
    AccountConfig,
    Command,
    Config,
    Credential,
    Secret,
    SecretError,
    SecretFile,
    SecretSource,
    Variable,
    read_secret,
)
from syncd.config.program import MAX_BYTES
from syncd.config.secret_file import replace_secret
from syncd.logs.setup import hide
from syncd.model import AccountName
from syncd.rules import token as rule
from syncd.setup.places import places
from syncd.wording.figures import format_time

if TYPE_CHECKING:
    from syncd.check.new_token import Inspected

token = typer.Typer(
    name="token",
    help="Show, test and replace access tokens.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

_NEEDED = ", ".join(rule.NEEDED)
_SHORTEST_MASKED = 32
"""Characters of a token from which its last four are shown: they do not help to guess the rest."""


@token.command()
def show(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Show each token: its source, its accounts, its user, and until when it is valid for what.

    Of the token itself, only the last four characters are shown. Asks the API with two requests
    for each token, and exits with 1 if a token cannot be read or is rejected.
    """
    with fast_imports():
        from syncd.check.new_token import inspected  # noqa: PLC0415  slow to load

    settings, sound = load_with_stored_secrets(config, "the token"), True
    for source, accounts in _by_source(settings, settings.accounts.values()).items():
        print_line(f"token of {_names(accounts)}")
        print_line(f"  source   {source}")
        try:
            secret, app_secret = _read(settings, accounts[0])
        except SecretError as error:
            print_line(f"  problem  {error}")
            sound = False
            continue
        print_line(f"  token    {_masked(secret)}")
        found = asyncio.run(inspected(settings, secret, app_secret))
        sound &= found.problem is None
        for name, text in _facts(found):
            print_line(f"  {name:<7}  {text}")
    raise typer.Exit(Exit.DONE if sound else Exit.NOT_ALL)


@token.command("test")
def check_tokens(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Test that the API accepts each token, and shows it each of its accounts.

    One request for each token and one for each account. Exits with 1 if one of them fails.
    """
    with fast_imports():
        from syncd.check.new_token import tested  # noqa: PLC0415  slow to load

    settings = load_with_stored_secrets(config, "the token")
    checks = asyncio.run(tested(settings, os.environ, hide))
    width = max(len(one.subject) for one in checks)
    for one in checks:
        print_line(f"{one.state.value:<3} {one.subject:<{width}}  {one.message}")
    raise typer.Exit(Exit.DONE if all(one.is_ok for one in checks) else Exit.NOT_ALL)


@token.command("set")
def set_token(
    accounts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ACCOUNT…",
            help="The accounts whose token to replace; needed if accounts have different tokens.",
            show_default=False,
            autocompletion=account_names,
        ),
    ] = None,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Replace a token: type or paste it, without an echo, or pipe it in.

    It is tested first: the API has to accept it, and to show it each account that uses it. Then it
    is written to its file, which a running daemon reads again within seconds. That of a systemd
    credential is in /etc/credstore, and needs a restart of the service.
    """
    with fast_imports():
        from syncd.check.new_token import inspected  # noqa: PLC0415  slow to load

    settings = load_with_stored_secrets(config, "the token")
    source, users = _chosen(settings, accounts)
    if not isinstance(source, SecretFile):
        fail(f"the token of {_names(users)} is {source}: {_instead(source)}")
    secret = Secret(_typed(f"New token of {_names(users)} (not shown): "))
    hide(secret)
    try:
        app_secret = _app_secret(settings, users[0])
    except SecretError as error:
        fail(f"{error}; nothing was written")
    found = asyncio.run(inspected(settings, secret, app_secret, users))
    problems = [*([] if found.problem is None else [found.problem]), *found.unreadable]
    if found.missing:
        problems.append(f"it does not have the permission {', '.join(found.missing)}")
    if problems:
        fail(f"the new token was not written: {'; '.join(problems)}")
    try:
        replace_secret(source.path, secret)
    except OSError as error:
        fail(f"{source.path} cannot be written: {error.strerror}", Exit.SYSTEM)
    for name, text in _facts(found):
        print_line(f"{name:<7}  {text}")
    print_line(f"saved to {source.path}: {_used(config, settings, source)}")


def _used(config: Path, settings: Config, source: SecretFile) -> str:
    """Return when the daemon uses the token that was written to a file."""
    if source in _by_source(load_config(config), settings.accounts.values()):
        return "a running daemon uses it within seconds"
    unit = places(config.absolute(), has_units=True).units[0]
    return f"to use it, run `sudo systemctl restart {unit}`"


def _by_source(
    config: Config, accounts: Iterable[AccountConfig]
) -> dict[SecretSource, list[AccountConfig]]:
    found: dict[SecretSource, list[AccountConfig]] = {}
    for account in accounts:
        found.setdefault(config.token_of(account), []).append(account)
    return found


def _chosen(
    config: Config, names: Sequence[str] | None
) -> tuple[SecretSource, Sequence[AccountConfig]]:
    """Return the one source of the named accounts' token, and all accounts that use it."""
    for name in names or ():
        if AccountName(name) not in config.accounts:
            known = ", ".join(config.accounts)
            raise typer.BadParameter(f"no account {name} in the configuration; it has: {known}")
    chosen = [config.accounts[AccountName(name)] for name in names or config.accounts]
    sources = _by_source(config, chosen)
    if len(sources) > 1:
        tokens = "; ".join(_names(users) for users in sources.values())
        raise typer.BadParameter(f"these accounts have different tokens, name one of: {tokens}")
    (source,) = sources
    return source, _by_source(config, config.accounts.values())[source]


def _read(config: Config, account: AccountConfig) -> tuple[Secret, Secret | None]:
    return _hidden(config, config.token_of(account)), _app_secret(config, account)


def _app_secret(config: Config, account: AccountConfig) -> Secret | None:
    source = config.app_secret_of(account)
    return None if source is None else _hidden(config, source)


def _hidden(config: Config, source: SecretSource) -> Secret:
    secret = read_secret(source, config.environ_for(source, os.environ))
    hide(secret)
    return secret


def _typed(prompt: str) -> str:
    """Return the token that the operator types, or that another program pipes in."""
    if sys.stdin.isatty():
        text = getpass.getpass(prompt)
    else:
        text = sys.stdin.buffer.read(MAX_BYTES + 1).decode("utf-8", "replace")
    text = text.strip()
    if not text or len(text) > MAX_BYTES or any(not "!" <= sign <= "~" for sign in text):
        fail(
            "this is not a token: it is empty, too long, or contains a space or a second line;"
            " nothing was written"
        )
    return text


def _instead(source: Credential | Variable | Command) -> str:
    match source:
        case Credential(name):
            return f"write it to the file of LoadCredential={name} in the unit, then restart it"
        case Variable(name):
            return f"set {name} where syncd is started, then restart it"
        case Command():
            return "put the token where that program finds it, then reload syncd (SIGHUP)"


def _masked(secret: Secret) -> str:
    text = secret.reveal()
    shown = text[-4:] if len(text) >= _SHORTEST_MASKED else ""
    return f"***{shown} ({len(text)} characters)"


def _facts(found: Inspected) -> Iterable[tuple[str, str]]:
    if found.problem is not None:
        yield "problem", found.problem
    if found.user is not None:
        yield "user", found.user
    if found.unknown is not None:
        yield "scopes", f"not known ({found.unknown}): uploads show whether it has {_NEEDED}"
    if (facts := found.facts) is None:
        return
    if facts.app is not None:
        yield "app", facts.app
    yield "scopes", ", ".join(sorted(facts.scopes)) or "none"
    if found.missing:
        yield "problem", f"it does not have the permission {', '.join(found.missing)}"
    expires_at = rule.expiry(facts.expires_at, facts.data_access_expires_at)
    if expires_at is not None:
        yield "expires", format_time(expires_at)
    elif facts.expires_at is not None:
        yield "expires", "never"
    else:
        yield "expires", "not known: the API allows only the app to read it"


def _names(accounts: Iterable[AccountConfig]) -> str:
    return ", ".join(account.name for account in accounts)
