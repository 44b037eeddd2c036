"""The application: all commands, and the end of one that fails."""

from __future__ import annotations

import sys
from traceback import format_exception

import typer

from syncd.cli.audit import audit
from syncd.cli.backfill import backfill
from syncd.cli.check import check
from syncd.cli.console import print_error
from syncd.cli.deletions import deletions
from syncd.cli.demo import demo
from syncd.cli.errors import ending_of
from syncd.cli.events import events
from syncd.cli.export import export
from syncd.cli.find import find
from syncd.cli.ledger import ledger
from syncd.cli.plan import plan
from syncd.cli.retry import retry
from syncd.cli.run import run
from syncd.cli.sandbox import sandbox
from syncd.cli.status import status
from syncd.cli.streams import flush_output

app = typer.Typer(
    name="syncd",
    help="Keep the image libraries of Meta ad accounts in sync with folders on disk.",
    epilog="Exit codes: 0 done · 1 something could not be done or was not found · 2 wrong usage · "
    "3 all is sent but rejected files; for find, not uploaded; for status --check, not running · "
    "65 the ledger is unusable · 69 an account was given up · "
    "70 a bug · 74 a system error, such as a full disk · 75 another process uses the ledger · "
    "78 the configuration is invalid · 130 ended by a signal",
    no_args_is_help=True,
    rich_markup_mode="markdown",  # wraps paragraphs to the width of the terminal
    pretty_exceptions_enable=False,  # a traceback with local variables could show a secret
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (
    run, backfill, plan, status, find, export, retry, deletions, audit, check, events, sandbox,
    demo,
):  # fmt: skip
    app.command()(command)
app.add_typer(ledger)


def main() -> None:
    """Run the command that the arguments name; print the error that ends it."""
    try:
        try:
            app()
        finally:
            flush_output()
    except Exception as error:  # noqa: BLE001 - the last handler: ending_of classifies all errors
        ending = ending_of(error)
        message = f"syncd: {ending.why}"
        if ending.crashed:
            message += f"\nsyncd: {ending.remedy}\n{''.join(format_exception(error))}".rstrip()
        print_error(message, "critical" if ending.crashed else "error")
        sys.exit(ending.code)
