"""The options that several commands have: --config, and the names of accounts and folders."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.options import DEFAULT_CONFIG
from syncd.config import Config, ConfigError, LogLevel, load
from syncd.config.shard import SHARD_VARIABLE
from syncd.config.shard import parse as parse_shard

ConfigPath = Annotated[
    Path,
    # readable: load_config reports a file that is not, and ends with the code for configurations.
    typer.Option(
        "--config",
        "-c",
        metavar="PATH",
        readable=False,
        help="The configuration file; its default is $SYNCD_CONFIG, if that is set.",
    ),
]


def _config_of(context: typer.Context) -> Config | None:
    try:
        return load(Path(context.params.get("config") or DEFAULT_CONFIG), os.environ)
    except ConfigError:  # completion offers nothing
        return None


def _beginning(names: Iterable[str], begin: str) -> list[str]:
    return [name for name in names if name.startswith(begin)]


def account_names(context: typer.Context, incomplete: str) -> list[str]:
    """Return the accounts of the configuration that complete a word."""
    config = _config_of(context)
    return [] if config is None else _beginning(config.accounts, incomplete)


def folder_names(context: typer.Context, incomplete: str) -> list[str]:
    """Return the folders of the configuration that complete a word."""
    config = _config_of(context)
    return [] if config is None else _beginning(config.folders, incomplete)


def receiver_names(context: typer.Context, incomplete: str) -> list[str]:
    """Return the receivers of notifications that complete a word."""
    config = _config_of(context)
    return [] if config is None else _beginning((one.name for one in config.notify), incomplete)


AccountNames = Annotated[
    list[str] | None,
    typer.Option(
        "--account",
        metavar="NAME",
        help="Only this account; may be given several times.",
        show_default=False,
        autocompletion=account_names,
    ),
]
FolderNames = Annotated[
    list[str] | None,
    typer.Option(
        "--folder",
        metavar="NAME",
        help="Only this folder; may be given several times.",
        show_default=False,
        autocompletion=folder_names,
    ),
]


def _replace_shard(value: str | None) -> str | None:
    if value is not None:
        if parse_shard(value) is None:
            raise typer.BadParameter("write K/N, such as 0/3 for the first of 3 machines")
        os.environ[SHARD_VARIABLE] = value  # a reload reads the configuration again
    return value


ShardOption = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="K/N",
        help="Only the accounts of machine K of N, from 0 to N-1, instead of `ledger.shard`.",
        show_default=False,
        callback=_replace_shard,
    ),
]

Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Log errors only, and show no bars and no summary."),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help='Log everything, as with log.level = "debug".')
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def level_of(*, quiet: bool, verbose: bool) -> LogLevel | None:
    """Return the level that the options choose; None for that of the configuration."""
    if quiet and verbose:
        raise typer.BadParameter("give --quiet or --verbose, not both")
    if quiet:
        return LogLevel.ERROR
    return LogLevel.DEBUG if verbose else None
