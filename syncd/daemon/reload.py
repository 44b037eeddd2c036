"""What a daemon works by: a configuration that was checked, and what opens its accounts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import msgspec
import structlog

from syncd.config import Config, ConfigError, Problem, Secret, load
from syncd.daemon.credentials import NoTokenError, opener, refuse_tokenless
from syncd.engine.engine import Open
from syncd.ledger import alerts
from syncd.ledger.database import Ledger
from syncd.log import Log
from syncd.rules import remedies
from syncd.threads import run_in_thread

log: Log = structlog.get_logger()


class Settings(msgspec.Struct, frozen=True):
    """A configuration, and what opens its accounts: at least one of their tokens can be read."""

    config: Config
    open_account: Open


Read = Callable[[], Settings]
"""Reads the settings anew, blocking as reading files does.

Raises ConfigError or NoTokenError.
"""


def read_settings(
    path: Path, environ: Mapping[str, str], hide: Callable[[Secret], None]
) -> Settings:
    """Read the configuration and the tokens; raises ConfigError or NoTokenError."""
    config = load(path, environ)
    open_account = opener(config, environ, hide)
    refuse_tokenless(config, open_account)
    return Settings(config, open_account)


async def next_settings(now: Config, hangup: asyncio.Event, read: Read, ledger: Ledger) -> Settings:
    """Wait for a SIGHUP that finds settings to be worked by; what is refused changes nothing."""
    while True:
        await hangup.wait()
        hangup.clear()  # before the file is read: a SIGHUP from here on reads it again
        found = await run_in_thread(partial(_settings_or_why_not, now, read))
        at = time.time()
        if isinstance(found, Settings):
            over = alerts.end("config.refused", alerts.CONFIG, at)
            if (duration := await ledger.write(over)) is not None:
                log.notice("config.accepted", duration=duration)
            return found
        remedy = remedies.CONFIGURATION
        begun = alerts.begin("config.refused", alerts.CONFIG, found, at, remedy=remedy)
        await ledger.write(begun)
        log.error("config.refused", why=found, remedy=remedy)


def _settings_or_why_not(now: Config, read: Read) -> Settings | str:
    try:
        settings = read()
    except ConfigError as error:
        return "; ".join(map(_in_one_line, error.problems))
    except NoTokenError as error:
        return str(error)
    ledger = settings.config.ledger.path
    if ledger != now.ledger.path:
        return f"ledger.path: a reload keeps the ledger, {now.ledger.path}: restart for {ledger}"
    return settings


def tell_warnings(config: Config) -> None:
    """Say what is odd about a configuration without being wrong."""
    for problem in config.warnings:
        log.warning("config.warning", why=_in_one_line(problem))


def _in_one_line(problem: Problem) -> str:
    """Return a problem as a log has it: place and mistake, and in brackets what to write."""
    wrong, *write = (line.strip() for line in str(problem).splitlines())
    return f"{wrong} ({' '.join(line for line in write if line != '^')})"
