"""Every command under one name, with the exit codes that they share."""

from __future__ import annotations

import sys
from traceback import format_exception

import typer

from syncd.cli.audit import audit
from syncd.cli.backfill import backfill
from syncd.cli.check import check
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
from syncd.cli.telling import tell

app = typer.Typer(
    name="syncd",
    help="Keeps the image libraries of Meta ad accounts in step with folders on disk.",
    epilog="Exit codes: 0 done · 1 something could not be done · 2 wrong usage · "
    "65 the ledger is unfit · 70 a bug · 74 the system refused something · "
    "75 another process has the ledger · 78 the configuration is wrong",
    no_args_is_help=True,
    rich_markup_mode="markdown",  # which wraps a paragraph as the terminal is wide
    pretty_exceptions_enable=False,  # a traceback with locals could show a secret
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (
    run, backfill, plan, status, find, export, retry, deletions, audit, check, events, sandbox,
    demo,
):  # fmt: skip
    app.command()(command)
app.add_typer(ledger)


def main() -> None:
    """Run the command that the arguments name."""
    try:
        app()
    except Exception as error:  # noqa: BLE001 - the last that could: what it is, ending_of knows
        ending = ending_of(error)
        told = f"syncd: {ending.why}"
        if ending.crashed:
            told += f"\nsyncd: {ending.remedy}\n{''.join(format_exception(error))}".rstrip()
        tell(told, "critical" if ending.crashed else "error")
        sys.exit(ending.code)
