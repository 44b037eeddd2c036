"""Reloads: the settings that a SIGHUP reads again, or the reason why they are rejected."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import msgspec
import structlog

from syncd.config import Config, ConfigError, Problem, Secret, load
from syncd.daemon.credentials import opener
from syncd.engine.tokens import OpenAccount
from syncd.ledger import alerts
from syncd.ledger.database import Ledger
from syncd.log import Log
from syncd.threads import run_in_thread

log: Log = structlog.get_logger()

_REMEDY = "fix the problem in `why`, check it with `syncd check`, and send SIGHUP again"


class Settings(msgspec.Struct, frozen=True):
    """A configuration, and the reader of its credentials."""

    config: Config
    open_account: OpenAccount


ReadSettings = Callable[[], Settings]
"""Reads the settings; blocks while files are read. Raises ConfigError."""


def read_settings(
    path: Path, environ: Mapping[str, str], hide: Callable[[Secret], None]
) -> Settings:
    """Read the configuration; raise ConfigError."""
    config = load(path, environ)
    return Settings(config, opener(config, environ, hide))


async def next_settings(
    current: Config, hangup: asyncio.Event, read: ReadSettings, ledger: Ledger
) -> Settings:
    """Wait for a SIGHUP after which the settings can be used, and return them.

    Rejected settings are logged and recorded as an alert; nothing else changes.
    """
    while True:
        await hangup.wait()
        hangup.clear()  # before the file is read, so that a later SIGHUP reads it again
        found = await run_in_thread(partial(_settings_or_reason, current, read))
        at = time.time()
        if isinstance(found, Settings):
            ended = alerts.end("config.refused", alerts.CONFIG, at)
            if (duration := await ledger.write(ended)) is not None:
                log.notice("config.accepted", duration=duration)
            return found
        begun = alerts.begin("config.refused", alerts.CONFIG, found, at, remedy=_REMEDY)
        await ledger.write(begun)
        log.error("config.refused", why=found, remedy=_REMEDY)


def _settings_or_reason(current: Config, read: ReadSettings) -> Settings | str:
    try:
        settings = read()
    except ConfigError as error:
        return "; ".join(map(_in_one_line, error.problems))
    old, new = current.ledger.path, settings.config.ledger.path
    if new != old:
        return f"ledger.path: a reload cannot change it from {old} to {new}: restart syncd"
    if current.ledger.shard != settings.config.ledger.shard:
        return "ledger.shard: a reload cannot change it: restart syncd"
    return settings


def log_warnings(config: Config) -> None:
    """Log what is unusual in a configuration but not wrong."""
    for problem in config.warnings:
        log.warning("config.warning", why=_in_one_line(problem))


def _in_one_line(problem: Problem) -> str:
    """Return a problem for the log: its place and message, and the fix in brackets."""
    message, *fix = (line.strip() for line in str(problem).splitlines())
    return f"{message} ({' '.join(line for line in fix if line != '^')})"
