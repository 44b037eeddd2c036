"""What commands begin with: the configuration and the tokens."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli.exits import Exit
from syncd.cli.fast_start import at_once
from syncd.cli.telling import tell
from syncd.config import Config, ConfigError, load
from syncd.logs.setup import hide

if TYPE_CHECKING:
    from syncd.engine.tokens import Open

ConfigPath = Annotated[
    Path,
    typer.Option("--config", "-c", metavar="PATH", help="The configuration to use."),
]
DEFAULT_CONFIG = Path("/etc/syncd/config.toml")


def configured(path: Path) -> Config:
    """Return the configuration, as `checked` does, with its warnings on stderr."""
    config = checked(path)
    for warning in config.warnings:
        tell(f"syncd: warning: {warning}", "warning")
    return config


def checked(path: Path) -> Config:
    """Return the configuration; ends the process with every mistake in it on stderr."""
    try:
        return load(path, os.environ)
    except ConfigError as error:
        count = len(error.problems)
        things = "one thing" if count == 1 else f"{count} things"
        tell(f"syncd: {things} to mend in the configuration\n\n{error}")
        raise typer.Exit(Exit.CONFIGURATION) from None


def opened(config: Config) -> Open:
    """Return what opens the accounts; ends the process when no token at all can be read."""
    with at_once():  # reading commands need no aiohttp
        from syncd.daemon.credentials import NoTokenError, opener, require_token  # noqa: PLC0415

    open_account = opener(config, os.environ, hide)
    try:
        require_token(config, open_account)
    except NoTokenError as error:
        tell(f"syncd: {error}")
        raise typer.Exit(Exit.CONFIGURATION) from None
    return open_account
