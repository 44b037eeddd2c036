"""`syncd check`."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli.exits import Exit
from syncd.cli.fast_start import at_once
from syncd.cli.options import DEFAULT_CONFIG, ConfigPath, configured
from syncd.config import LogFormat
from syncd.logs.setup import configure_logs, hide

if TYPE_CHECKING:
    from syncd.check.result import Check

Quick = Annotated[
    bool,
    typer.Option(
        "--quick",
        help="Only whether the configuration is right, as a reload asks: no token, no folder, no"
        " call; exits 78 when it is not.",
    ),
]
As = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="USER",
        help="Look as this user; takes root. Without it, root looks as the service's user, and"
        " anybody else as oneself.",
    ),
]

INOTIFY = Path("/proc/sys/fs/inotify")


def check(config: ConfigPath = DEFAULT_CONFIG, quick: Quick = False, user: As = None) -> None:
    """Look whether everything is in place: a line each, with ok or what to do.

    Reads the configuration, the ledger and the folders, and asks the API who the token is and
    whether it sees each account: one call a token, one an account.

    Run by root it looks as the service does: as its user, with the credentials that its unit has,
    and past what the unit hides. What is BAD has the commands below it that mend it.
    """
    if quick:  # systemd shows the credentials to the daemon, but not to what checks for a reload
        configured(config)
        return
    configure_logs("error", LogFormat.AUTO, sys.stderr)
    with at_once():
        from syncd.check.perspective import perspective_for  # noqa: PLC0415  the same
        from syncd.check.run import check_all  # noqa: PLC0415  needs much
        from syncd.check.user import ImpersonationError  # noqa: PLC0415  the same

    try:
        perspective = perspective_for(config.absolute(), user, os.environ)
    except ImpersonationError as error:
        raise typer.BadParameter(str(error), param_hint="--as") from None
    os.environ.update(perspective.environ(os.environ))
    settings = configured(config)
    found = check_all(settings, perspective, os.environ, hide, INOTIFY)
    _print(found, perspective.note, sudo=os.geteuid() != 0 or "SUDO_USER" in os.environ)
    raise typer.Exit(Exit.DONE if all(one.is_ok for one in found) else Exit.NOT_ALL)


def _print(found: Sequence[Check], note: str | None, *, sudo: bool) -> None:
    """Print a line each, which a terminal shows in as many as it takes; a command is never cut."""
    width = max(len(one.subject) for one in found)
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for one in found:
        head = f"{one.state.value:<3} {one.subject:<{width}}  "
        print(_hung(head, one.message, columns))
        for command in one.commands:
            print(f"    {command.shell_line(sudo=sudo)}")
    if note is not None:
        print(_hung("", note, columns))


def _hung(head: str, text: str, columns: int | None) -> str:
    """Break a text where a terminal ends, below its own beginning if there is room for it."""
    if columns is None:
        return head + text
    below = " " * (len(head) if columns - len(head) >= 40 else 4)
    return textwrap.fill(
        text,
        width=max(columns, 20),
        initial_indent=head,
        subsequent_indent=below,
        break_long_words=False,
        break_on_hyphens=False,
    )
