"""The commands of `frequent`, declared for typer: their own modules do not import it."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli import backfill as backfill_command
from syncd.cli import find as find_command
from syncd.cli import log as log_command
from syncd.cli import run as run_command
from syncd.cli import status as status_command
from syncd.cli.frequent import MOST_ROWS
from syncd.cli.options import DEFAULT_CONFIG
from syncd.cli.parameters import (
    AccountNames,
    ConfigPath,
    FolderNames,
    Quiet,
    ShardOption,
    Verbose,
    level_of,
)
from syncd.cli.status_files import Kind
from syncd.ledger.history import What


def run(
    config: ConfigPath = DEFAULT_CONFIG,
    quiet: Quiet = False,
    verbose: Verbose = False,
    shard: ShardOption = None,  # noqa: ARG001  its callback has applied it
) -> None:
    """Run the daemon: keep the accounts in sync until it is stopped.

    It watches the folders, sends new images, and logs to stderr, one line per event. SIGTERM and
    Ctrl-C end it after the calls in progress, within 30 s. SIGHUP reloads the configuration; an
    invalid one changes nothing, and the log has the reason.
    """
    run_command.run(config, level_of(quiet=quiet, verbose=verbose))


def backfill(
    *,
    config: ConfigPath = DEFAULT_CONFIG,
    account: AccountNames = None,
    folder: FolderNames = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            metavar="N",
            min=1,
            help="Send at most N images, of all accounts together: for a careful first run.",
            show_default=False,
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON, for programs.")
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            help="Do not ask on a terminal before images go to another ad account than before.",
        ),
    ] = False,
    shard: ShardOption = None,  # noqa: ARG001  its callback has applied it
) -> None:
    """Send every missing image once, then exit.

    Exits with 0 if every account is in sync; with 3 if all is sent but rejected files; with 1 if an
    image is missing, or a file could not be read or is still written; with 69 if an account is
    stopped or its calls fail. Pauses are waited for, however long they are.

    With --account, --folder or --limit, only that part is sent, and these codes are about it. The
    rest stays missing. The summary at the end has the reasons for which images were not sent.

    A terminal shows progress bars, with warnings, errors and the state changes of accounts above
    them, or the whole log if `log.level` is "debug". Otherwise the log is written to stderr.
    """
    choice = backfill_command.Choice(
        accounts=account or (),
        folders=folder or (),
        limit=limit,
        json=json,
        level=level_of(quiet=quiet, verbose=verbose),
        yes=yes,
    )
    backfill_command.backfill(config, choice)


def status(
    config: ConfigPath = DEFAULT_CONFIG,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Print one line, for scripts: exit with 0 if all is well, with 1 if something"
            " needs you, with 3 if the daemon is not running.",
        ),
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show it on a terminal every 2 seconds, until Ctrl-C.")
    ] = False,
    files: Annotated[
        Kind | None,
        typer.Option(
            "--files",
            help="List files with the reason instead: those that an account misses or rejects, that"
            " syncd skips, or that cannot be read or are not finished.",
            show_default=False,
        ),
    ] = None,
    account: AccountNames = None,
    folder: FolderNames = None,
) -> None:
    """Show whether the daemon runs, what needs your attention, and each account and folder.

    It only reads, and works while the daemon runs. It exits with 0 whenever it could read the
    ledger or the daemon's status file. With --account it shows these accounts and the folders that
    feed them, with --folder these folders and their accounts.
    """
    options = status_command.Options(
        json=json,
        check=check,
        watch=watch,
        files=files,
        accounts=tuple(account or ()),
        folders=tuple(folder or ()),
    )
    status_command.status(config, options)


def find(
    what: Annotated[
        str,
        typer.Argument(
            metavar="PATH|NAME|HASH|DIGEST",
            help="The path of a file; its name, a part of its name, or a pattern (`*.webp`); the"
            " hash of an image in an account, a SHA-256, or the first six digits of either. A file"
            " outside every folder is looked up by its content.",
        ),
    ],
    config: ConfigPath = DEFAULT_CONFIG,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show everything that is known about an image, or why syncd does not have it.

    It exits with 0 if every account that needs the image holds it, with 3 if one does not, or the
    file is not taken, and with 1 if nothing is known.
    """
    find_command.find(what, config, json=json)


def log(
    about: Annotated[
        str,
        typer.Argument(
            metavar="PATH|NAME|HASH|DIGEST",
            help="An image as for `syncd find`, also one whose file is gone; all if left out.",
            show_default=False,
        ),
    ] = "",
    since: Annotated[
        str,
        typer.Option(
            metavar="TIME",
            help="Only what happened since then, such as 2h, 18:00 or 2026-11-01.",
            show_default=False,
        ),
    ] = "",
    account: AccountNames = None,
    what: Annotated[
        str,
        typer.Option(
            metavar="LIST",
            help=f"Only some of: {', '.join(What)}; separated by commas.",
            show_default=False,
        ),
    ] = "",
    *,
    limit: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            max=MOST_ROWS,
            help="The number of rows: the last ones.",
        ),
    ] = 200,
    follow: Annotated[
        bool, typer.Option("--follow", help="Wait for new rows, until Ctrl-C.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Show what happened to each image, and who decided what, with time and reason.

    The oldest row comes first. `ledger.history` in the configuration is how long rows are kept.
    It exits with 1 if there is no such row.
    """
    options = log_command.Options(
        since=since,
        accounts=tuple(account or ()),
        what=what,
        limit=limit,
        follow=follow,
        json=json,
    )
    log_command.log(about, config, options)
