"""`syncd run`."""

from __future__ import annotations

import asyncio

from syncd.cli.importing import at_once
from syncd.cli.setup import DEFAULT_CONFIG, ConfigPath, configured, logging_to_stderr, opened


def run(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Keep the accounts in step until told to stop: the daemon.

    It watches the folders, sends what is new, and writes what it does to stderr, one line an
    event. SIGTERM or Ctrl-C ends it once the calls under way have ended, within 30 s.
    """
    settings = configured(config)
    open_account = opened(settings)
    logging_to_stderr(settings)
    with at_once():
        from syncd.daemon.run import run as run_daemon  # noqa: PLC0415  aiohttp takes a while to load

    asyncio.run(run_daemon(settings, open_account))
