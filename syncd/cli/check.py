"""`syncd check`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.exits import Exit
from syncd.cli.importing import at_once
from syncd.cli.setup import DEFAULT_CONFIG, ConfigPath, configured
from syncd.config import LogFormat
from syncd.service.logs import configure_logs, hide

Quick = Annotated[
    bool,
    typer.Option(
        "--quick",
        help="Only whether the configuration is right, as a reload asks: no token, no folder, no"
        " call; exits 78 when it is not.",
    ),
]


def check(config: ConfigPath = DEFAULT_CONFIG, quick: Quick = False) -> None:
    """Look whether everything is in place: a line each, with ok or what to do.

    Reads the configuration, the ledger and the folders, and asks the API who the token is and
    whether it sees each account: one call a token, one an account.
    """
    settings = configured(config)
    if quick:  # systemd shows the credentials to the daemon, but not to what checks for a reload
        return
    configure_logs("error", LogFormat.AUTO, sys.stderr)
    with at_once():
        from syncd.daemon.check import checks  # noqa: PLC0415  needs what the daemon needs
        from syncd.daemon.openings import opener  # noqa: PLC0415  the same

    found = asyncio.run(
        checks(settings, opener(settings, os.environ, hide), Path("/proc/sys/fs/inotify"))
    )
    width = max(len(one.subject) for one in found)
    for one in found:
        state = "ok " if one.ok else "BAD"
        print(f"{state} {one.subject:<{width}}  {one.said}")
    raise typer.Exit(Exit.DONE if all(one.ok for one in found) else Exit.NOT_ALL)
