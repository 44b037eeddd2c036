"""`syncd init`."""

from __future__ import annotations

import sys
from pathlib import Path
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


Account = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=ID", help="An ad account, by a name of your choice. Repeatable."),
]
FolderOption = Annotated[
    list[str] | None,
    typer.Option(
        "--folder",
        metavar="NAME=PATH:ACCOUNT[,MIRROR…]",
        help="A folder, and the accounts that get its images. Repeatable.",
    ),
]
TokenFile = Annotated[
    str | None,
    typer.Option(
        metavar="PATH",
        help="A file that contains the token, or - for stdin. It is copied to the place that the"
        " configuration names. Without it, a token that is already there is used.",
    ),
]
LedgerPath = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="The ledger. Default: in /var/lib/syncd for a configuration in /etc/syncd, else next"
        " to it.",
    ),
]
BaseUrl = Annotated[
    str | None,
    typer.Option(metavar="URL", help="The address of the API, if it is another one."),
]
ForSandbox = Annotated[
    bool,
    typer.Option(
        "--sandbox",
        help="Write a configuration for `syncd sandbox`; without --folder, for a directory that is"
        " created next to it.",
    ),
]


def init(
    config: ConfigPath = DEFAULT_CONFIG,
    *,
    account: Account = None,
    folder: FolderOption = None,
    token_file: TokenFile = None,
    ledger: LedgerPath = None,
    base_url: BaseUrl = None,
    sandbox: ForSandbox = False,
    systemd: Systemd = False,
    remove: Remove = False,
    dry_run: DryRun = False,
) -> None:
    """Write a configuration and the token's file, or install the units for systemd.

    On a terminal, without --account and --folder, it asks for the token, lists the ad accounts that
    it reaches, and asks for the folders; Ctrl-C writes nothing. Then it checks the configuration,
    and shows the plan and the next command. Files that exist are never replaced.

    The configuration has all settings, as comments. With the units installed, the token of a
    configuration in /etc/syncd becomes a credential in /etc/credstore, otherwise a file next to the
    configuration; only its owner can read it.

    With --systemd it can be repeated, for example after an update. Files in /usr/lib belong to
    syncd and are replaced; your own changes to a unit belong in a drop-in, which is kept.
    """
    if (remove or dry_run) and not systemd:
        raise typer.BadParameter("--remove and --dry-run need --systemd")
    if systemd:
        if account or folder or token_file or ledger or base_url or sandbox:
            raise typer.BadParameter("--systemd installs only the units: run init again without it")
        with fast_imports():
            from syncd.cli import init_systemd  # noqa: PLC0415  no command imports the others
        if remove:
            init_systemd.remove(dry_run=dry_run)
        else:
            init_systemd.install(config, dry_run=dry_run)
        return
    with fast_imports():
        from syncd.cli import init_config, init_questions  # noqa: PLC0415  the same
    if not (sandbox or account or folder) and sys.stdin.isatty():
        init_questions.ask_and_write(
            config, token_file=token_file, ledger=ledger, base_url=base_url
        )
        return
    if not sandbox and not (account and folder):
        raise typer.BadParameter(
            "name at least one --account and one --folder, or neither, on a terminal, to be asked"
        )
    init_config.write_from_options(
        config,
        accounts=account or (),
        folders=folder or (),
        token_file=token_file,
        ledger=ledger,
        base_url=base_url,
        sandbox=sandbox,
    )
