"""`syncd check`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli.console import print_json, print_line, print_paragraph
from syncd.cli.errors import Exit
from syncd.cli.fast_start import fast_imports
from syncd.cli.options import DEFAULT_CONFIG, load_config
from syncd.cli.parameters import ConfigPath, Json
from syncd.config import LogFormat
from syncd.logs.setup import configure_logs, hide

if TYPE_CHECKING:
    from syncd.check.result import Check

Quick = Annotated[
    bool,
    typer.Option(
        "--quick",
        help="Check only that the configuration is valid, as a reload does: no token, folder or API"
        " call. Exits with 78 if it is invalid.",
    ),
]
As = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="USER",
        help="Check as this user, which needs root. By default, root checks as the service's user,"
        " and any other user as themselves.",
    ),
]

Inside = Annotated[
    str | None,
    typer.Option(
        "--inside",
        hidden=True,
        metavar="COMMAND",
        help="Print what this process finds of what `syncd run` or `syncd web` uses.",
    ),
]

INOTIFY = Path("/proc/sys/fs/inotify")


def check(
    config: ConfigPath = DEFAULT_CONFIG,
    quick: Quick = False,
    user: As = None,
    inside: Inside = None,
    json: Json = False,
) -> None:
    """Check that everything is ready: one line per check, ok or with what to do.

    Reads the configuration, the ledger and the folders, and asks the API for the user, the expiry
    and the permissions of each token and for each account: two calls per token and one per account,
    a second one if the ledger has none of its images, and the same again for each drop-in that is
    tried. A line that begins with ! needs attention, and does not change the exit code.

    Run by root, it checks as the service: systemd starts the program of the unit once, with the
    unit's user, credentials and sandbox, and so that of `syncd-web` if it is enabled or runs. Below
    each BAD line are the commands that fix it; drop-ins among them were tried. Otherwise ? marks
    what only the service can find out.
    """
    if quick:  # systemd gives the credentials to the daemon only, not to ExecReload= commands
        load_config(config)
        return
    configure_logs("error", LogFormat.AUTO, sys.stderr)
    with fast_imports():
        from syncd.check.inside import print_facts  # noqa: PLC0415  slow to load
        from syncd.check.perspective import perspective_for  # noqa: PLC0415  slow to load
        from syncd.check.run import check_all  # noqa: PLC0415  the same
        from syncd.check.unit import Role  # noqa: PLC0415  the same
        from syncd.check.user import ImpersonationError  # noqa: PLC0415  the same

    if inside is not None:
        print_facts(config.absolute(), Role(inside), os.environ, hide)
        return
    try:
        perspective = perspective_for(config.absolute(), user, os.environ)
    except ImpersonationError as error:
        raise typer.BadParameter(str(error), param_hint="--as") from None
    os.environ.update(perspective.environ(os.environ))
    settings = load_config(config)
    checks = check_all(settings, perspective, os.environ, hide, INOTIFY)
    sudo = os.geteuid() != 0 or "SUDO_USER" in os.environ
    if json:
        print_json(
            {
                "checks": [_as_json(one, sudo=sudo) for one in checks],
                "note": perspective.note,
            }
        )
    else:
        _print(checks, perspective.note, sudo=sudo)
    raise typer.Exit(Exit.DONE if all(one.is_ok for one in checks) else Exit.NOT_ALL)


def _as_json(check: Check, *, sudo: bool) -> dict[str, object]:
    return {
        "subject": check.subject,
        "state": check.state.name.lower(),
        "message": check.message,
        "commands": [command.shell_line(sudo=sudo) for command in check.commands],
    }


def _print(checks: Sequence[Check], note: str | None, *, sudo: bool) -> None:
    """Print one line per check, which a terminal shows wrapped; commands are never wrapped."""
    width = max(len(one.subject) for one in checks)
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for one in checks:
        head = f"{one.state.value:<3} {one.subject:<{width}}  "
        print_hanging(head, one.message, columns)
        for command in one.commands:
            print_line(f"    {command.shell_line(sudo=sudo)}")
    if note is not None:
        print_hanging("", note, columns)


def print_hanging(head: str, text: str, columns: int | None) -> None:
    """Print head and text, wrapped with a hanging indent unless `columns` is None."""
    if columns is None:
        print_line(head + text)
        return
    indent = " " * (len(head) if columns - len(head) >= 40 else 4)
    print_paragraph(text, max(columns, 20), first=head, indent=indent)
