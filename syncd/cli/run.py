"""`syncd run`."""

from __future__ import annotations

import os
from functools import partial

from syncd.cli.fast_start import at_once
from syncd.cli.options import DEFAULT_CONFIG, ConfigPath, checked, opened
from syncd.cli.session import lasting
from syncd.daemon.notify import notifier
from syncd.daemon.signals import block_hangups
from syncd.logs.hooks import run_loop
from syncd.logs.setup import hide


def run(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Keep the accounts in step until told to stop: the daemon.

    It watches the folders, sends what is new, and writes what it does to stderr, one line an
    event. SIGTERM or Ctrl-C ends it once the calls under way have ended, within 30 s. SIGHUP
    makes it read its configuration again; one that is wrong changes nothing, and the log says why.
    """
    block_hangups()
    path = config.absolute()  # links are followed anew at each reload
    first = checked(path)
    open_account = opened(first)
    with lasting(first) as (lines, set_log):
        with at_once():  # aiohttp takes a while to load
            from syncd.daemon.reload import Settings, read_settings  # noqa: PLC0415
            from syncd.daemon.run import run as run_daemon  # noqa: PLC0415

        read = partial(read_settings, path, os.environ, hide)
        settings, manager = Settings(first, open_account), notifier(os.environ)
        run_loop(run_daemon(settings, read, set_log, manager, lambda: lines.dropped))
