"""`syncd pause` and `syncd resume`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated

import typer

from syncd.cli.console import print_line
from syncd.cli.errors import fail, ledger_required
from syncd.cli.local_time import parse_time
from syncd.cli.operator import operator_name
from syncd.cli.options import DEFAULT_CONFIG, load_config
from syncd.cli.parameters import ConfigPath, account_names
from syncd.cli.selected import account_named
from syncd.config import AccountConfig, Config
from syncd.config.errors import InvalidValueError
from syncd.config.values import duration
from syncd.ledger import operator_pauses
from syncd.ledger.file import changing
from syncd.ledger.operator_pauses import OperatorPause
from syncd.wording.figures import format_time

Accounts = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ACCOUNT…",
        help="Names of accounts.",
        show_default=False,
        autocompletion=account_names,
    ),
]
All = Annotated[bool, typer.Option("--all", help="All accounts of the configuration.")]


def pause(
    accounts: Accounts = None,
    everything: All = False,
    length: Annotated[
        str, typer.Option("--for", metavar="DURATION", help="Such as 2h.", show_default=False)
    ] = "",
    until: Annotated[
        str,
        typer.Option(
            metavar="TIME",
            help="A local time, such as 18:00 or 2026-12-01T08:00.",
            show_default=False,
        ),
    ] = "",
    why: Annotated[
        str, typer.Option(metavar="TEXT", help="The reason, for status.", show_default=False)
    ] = "",
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Send nothing to accounts, until their time ends or you resume them.

    A running daemon does so within seconds; calls that are under way are completed. Folders are
    still watched and read. The pause survives restarts.
    """
    settings = load_config(config)
    chosen, now = _chosen(settings, accounts, everything=everything), time.time()
    if length and until:
        raise typer.BadParameter("give --for or --until, not both")
    end = _end(length, until, now)
    paused = OperatorPause(since=now, until=end, why=why or None, user=operator_name())
    with ledger_required(), changing(settings.ledger.path) as db:
        operator_pauses.begin([account.id for account in chosen], paused)(db)
    ending = f"until {format_time(end)}" if end is not None else "until you run `syncd resume`"
    print_line(f"{_names(chosen)} paused {ending}")


def resume(
    accounts: Accounts = None, everything: All = False, config: ConfigPath = DEFAULT_CONFIG
) -> None:
    """Send to accounts again that you have paused.

    A stopped or throttled account stays so: see `syncd retry`.
    """
    settings = load_config(config)
    chosen = _chosen(settings, accounts, everything=everything)
    with ledger_required(), changing(settings.ledger.path) as db:
        ended = operator_pauses.end([account.id for account in chosen], operator_name())(db)
    resumed = [account for account in chosen if account.id in ended]
    if not resumed:
        fail(f"{_names(chosen)}: not paused by an operator")
    print_line(f"{_names(resumed)} resumed")


def _chosen(
    config: Config, names: Sequence[str] | None, *, everything: bool
) -> list[AccountConfig]:
    if everything == bool(names):
        raise typer.BadParameter("name the accounts, or give --all")
    if everything:
        return list(config.accounts.values())
    return [account_named(config, name) for name in dict.fromkeys(names or ())]


def _names(accounts: Sequence[AccountConfig]) -> str:
    return ", ".join(account.name for account in accounts)


def _end(length: str, until: str, now: float) -> float | None:
    """Return when the pause ends, in unix seconds."""
    if length:
        try:
            return now + duration("1s", "365d")(length)
        except InvalidValueError as error:
            raise typer.BadParameter(f"--for: {error.message}; {error.fix}") from None
    if not until:
        return None
    end = parse_time(until, now)
    if end is None or end <= now:
        raise typer.BadParameter(f"--until: {until} is not a time in the future, such as 18:00")
    return end
