"""The options --account and --folder: the part of the configuration that a command works on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated

import typer

from syncd.cli.errors import fail
from syncd.config import Config
from syncd.config.selection import Selection, select
from syncd.model import AccountName, FolderName

AccountNames = Annotated[
    list[str] | None,
    typer.Option(
        "--account",
        metavar="NAME",
        help="Only this account; may be given several times.",
        show_default=False,
    ),
]
FolderNames = Annotated[
    list[str] | None,
    typer.Option(
        "--folder",
        metavar="NAME",
        help="Only the images of this folder; may be given several times.",
        show_default=False,
    ),
]


def selected(
    config: Config, accounts: Sequence[str] | None, folders: Sequence[str] | None
) -> Selection:
    """Return the part that the options name; end the process if there is none."""
    for kind, given, known in (
        ("account", accounts, config.accounts),
        ("folder", folders, config.folders),
    ):
        for name in given or ():
            if name not in known:
                fail(f"no {kind} {name} in the configuration; it has: {', '.join(known)}")
    part = select(
        config, [AccountName(n) for n in accounts or ()], [FolderName(n) for n in folders or ()]
    )
    if not part.accounts:
        fail(
            f"the folder {_listed(folders)} does not feed the account {_listed(accounts)}:"
            f" see [folders] in {config.path}"
        )
    return part


def _listed(names: Collection[str] | None) -> str:
    return " or ".join(names or ())
