"""`syncd run`."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from syncd.cli.fast_start import fast_imports
from syncd.cli.options import account_opener, load_config
from syncd.cli.session import logged_session
from syncd.config import LogLevel
from syncd.daemon.notify import notifier
from syncd.daemon.signals import block_hangups
from syncd.folders.scanning.scan_pool import fork_early
from syncd.logs.hooks import run_loop
from syncd.logs.secrets import hide


def run(config: Path, level: LogLevel | None = None) -> None:
    """Run the daemon until it is stopped; `level` replaces that of the configuration's log."""
    block_hangups()
    path = config.absolute()  # a symbolic link is resolved again at each reload
    first = load_config(path, print_warnings=False)  # the daemon logs them
    fork_early(first.ledger.path)
    open_account = account_opener(first)
    with logged_session(first, level) as (lines, set_log):
        with fast_imports():  # aiohttp is slow to load
            from syncd.daemon.reload import Settings, read_settings  # noqa: PLC0415  slow to import
            from syncd.daemon.run import run as run_daemon  # noqa: PLC0415  slow to import

        read = partial(read_settings, path, os.environ, hide)
        settings, manager = Settings(first, open_account), notifier(os.environ)
        run_loop(run_daemon(settings, read, set_log, manager, lambda: lines.dropped, os.environ))
