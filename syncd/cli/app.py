"""The application: all commands, as typer reads them."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd import __version__
from syncd.cli.ads import ads
from syncd.cli.audit import audit
from syncd.cli.check import check
from syncd.cli.conformance import conformance
from syncd.cli.console import print_line
from syncd.cli.declared import backfill, find, log, run, status
from syncd.cli.deletions import deletions
from syncd.cli.demo import demo
from syncd.cli.events import events
from syncd.cli.explain import explain
from syncd.cli.export import export
from syncd.cli.help import help_topic
from syncd.cli.images import images
from syncd.cli.init import init
from syncd.cli.ledger import ledger
from syncd.cli.notify import notify
from syncd.cli.pause import pause, resume
from syncd.cli.placeholders import show_no_types
from syncd.cli.plan import plan
from syncd.cli.report import report
from syncd.cli.retry import retry
from syncd.cli.sandbox import sandbox
from syncd.cli.token import token
from syncd.cli.web import web


def _print_version(value: bool) -> None:
    if value:
        print_line(f"syncd {__version__}")
        raise typer.Exit


app = typer.Typer(
    name="syncd",
    help="Keep the image libraries of Meta ad accounts in sync with folders on disk.",
    epilog="Exit codes: 0 done · 1 something could not be done or was not found · 2 wrong usage · "
    "3 all is sent but rejected files; for find, not uploaded; for status --check, not running; "
    "for images, some of several failed · "
    "65 the ledger is unusable · 69 an account was given up · "
    "70 a bug · 74 a system error, such as a full disk · 75 another process uses the ledger · "
    "78 the configuration is invalid · 130 ended by a signal",
    no_args_is_help=True,
    rich_markup_mode="markdown",  # wraps paragraphs to the width of the terminal
    pretty_exceptions_enable=False,  # a traceback with local variables could show a secret
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(help=app.info.help)
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Read the options that precede a command."""


for command in (
    init, run, backfill, plan, status, find, log, export, pause, resume, retry, deletions, audit,
    check, events, explain, conformance, sandbox, demo, web, report,
):  # fmt: skip
    app.command()(command)
app.command("help")(help_topic)
app.add_typer(images)
app.add_typer(ads)
app.add_typer(token)
app.add_typer(notify)
app.add_typer(ledger)
show_no_types(app)
