"""`syncd init`."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.fast_start import fast_imports
from syncd.cli.options import DEFAULT_CONFIG
from syncd.cli.parameters import ConfigPath

Systemd = Annotated[
    bool,
    typer.Option(
        "--systemd",
        help="Install the units, the user syncd and the directories for systemd. Needs root.",
    ),
]
Remove = Annotated[
    bool,
    typer.Option(
        "--remove",
        help="With --systemd: stop syncd and remove what was installed. The configuration, the"
        " token and the ledger are kept.",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="With --systemd: print what would be done, and exit.")
]


def init(
    config: ConfigPath = DEFAULT_CONFIG,
    *,
    systemd: Systemd = False,
    remove: Remove = False,
    dry_run: DryRun = False,
) -> None:
    """Set up syncd on this machine: its units for systemd.

    With --systemd it can be repeated, for example after an update. Files in /usr/lib belong to
    syncd and are replaced; your own changes to a unit belong in a drop-in, which is kept.
    """
    if not systemd:
        raise typer.BadParameter("name what to set up: --systemd")
    with fast_imports():
        from syncd.cli import init_systemd  # noqa: PLC0415  no command imports the others
    if remove:
        init_systemd.remove(dry_run=dry_run)
    else:
        init_systemd.install(config, dry_run=dry_run)
