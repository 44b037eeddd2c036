"""The configuration that a command works with, and the accounts' tokens."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.cli.console import print_error
from syncd.cli.errors import Exit, fail
from syncd.cli.fast_start import fast_imports
from syncd.config import Config, ConfigError, load
from syncd.logs.secrets import hide
from syncd.rules.forecast import amount
from syncd.setup.places import UNIT, places

if TYPE_CHECKING:
    from syncd.engine.tokens import OpenAccount

DEFAULT_CONFIG = Path(os.environ.get("SYNCD_CONFIG") or "/etc/syncd/config.toml")


def with_config_last(words: Sequence[str]) -> list[str]:
    """Return the words of a command line with `--config PATH` at the end, if they begin with it."""
    first, *_ = (*words, "")
    length = 1 if first.startswith("--config=") else 2 if first in ("-c", "--config") else 0
    option, rest = list(words[:length]), list(words[length:])
    end = rest.index("--") if "--" in rest else len(rest)  # words after it are not options
    return rest[:end] + option + rest[end:]


def load_config(path: Path, *, print_warnings: bool = True, needs_ledger: bool = True) -> Config:
    """Return the configuration; print every mistake in it and end the process if there is one.

    Without `ledger.path`, the ledger is that of the unit for this configuration, if the units are
    installed. A command that does not open the ledger needs neither.
    """
    where = places(path.absolute(), has_units=UNIT.exists())
    state = str(where.ledger.parent) if where.units or not needs_ledger else ""
    try:
        config = load(path, {"STATE_DIRECTORY": state, **os.environ})
    except ConfigError as error:
        fail(
            f"{amount(len(error.problems), 'problem')} in the configuration\n\n{error}",
            Exit.CONFIGURATION,
        )
    if print_warnings:
        for warning in config.warnings:
            print_error(f"syncd: warning: {warning}", "warning")
    return config


def account_opener(config: Config) -> OpenAccount:
    """Return a function that opens accounts."""
    with fast_imports():  # not at the top: commands that only read the ledger need no aiohttp
        from syncd.daemon.credentials import opener  # noqa: PLC0415  slow to import

    open_account = opener(config, os.environ, hide)
    for account in config.accounts.values():
        open_account(account)  # from now on, no record contains its secrets
    return open_account
