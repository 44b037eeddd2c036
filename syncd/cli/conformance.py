"""`syncd conformance`."""

from __future__ import annotations

import secrets
import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli.console import print_error, print_json, print_paragraph
from syncd.cli.errors import Exit, fail
from syncd.cli.fast_start import fast_imports
from syncd.cli.image_operation import Account, run
from syncd.cli.options import DEFAULT_CONFIG
from syncd.cli.parameters import ConfigPath

if TYPE_CHECKING:
    from syncd.config import Config
    from syncd.conformance.exchange import Report
    from syncd.conformance.talk import Plan
    from syncd.operations.session import Session


def conformance(
    *,
    account: Account,
    write: Annotated[
        bool,
        typer.Option("--write", help="Also upload, copy and delete small generated pictures."),
    ] = False,
    budget: Annotated[
        int,
        typer.Option(
            "--budget",
            metavar="POINTS",
            min=1,
            help="Leave out checks that may exceed it: a read costs 1 point, a write 3.",
        ),
    ] = 200,
    wait: Annotated[
        float,
        typer.Option(
            "--wait",
            metavar="SECONDS",
            min=0,
            help="Wait for the deletions of the pictures to take effect.",
        ),
    ] = 60.0,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before writing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Check an API against what syncd relies on, such as the real one with a test account.

    It reports what is as described, what differs, and what the pages of the API leave open and this
    API has shown, with the switches of `syncd sandbox` that behave in the same way. It only reads,
    unless --write is given. Its pictures are deleted at the end, also after an error, Ctrl-C
    or SIGTERM.

    It exits with 1 if something differs, or an image could not be deleted; with 69 if the account
    takes no calls.
    """
    prefix = f"syncd-conformance-{secrets.token_hex(4)}" if write else None
    operate = partial(_check, prefix=prefix, budget=budget, wait=wait, yes=yes, json=json)
    raise run(config, account, operate)


async def _check(
    session: Session,
    _: Config,
    *,
    prefix: str | None,
    budget: int,
    wait: float,
    yes: bool,
    json: bool,
) -> Exit:
    with fast_imports():
        from syncd.conformance.exchange import (  # noqa: PLC0415  slow to load
            Caller,
            Report,
        )
        from syncd.conformance.exchange import run as run_checks  # noqa: PLC0415  the same
        from syncd.conformance.talk import plan  # noqa: PLC0415  the same

    made = plan(session.calls.account, prefix, budget, wait)
    _announce(made, f"act_{session.calls.account}", yes=yes)
    report, caller = Report(), Caller(session.client, session.calls)
    try:
        await run_checks(made, caller.send, report)
    finally:
        _print(report, caller.sent, json=json)
    return Exit.DONE if report.is_fine else Exit.NOT_ALL


def _announce(made: Plan, account: str, *, yes: bool) -> None:
    """Print what the checks will do, and ask before they write."""
    most = f"at most {made.calls} calls to {account}, of at most {made.cost} points"
    if made.files is None:
        print_error(f"syncd: {most}; nothing is written", "info")
        return
    images = sum(check.images for check in made.checks)
    text = f"syncd: {most}; it uploads up to {images} small pictures and deletes them at the end"
    print_error(text, "warning")
    if yes:
        return
    print_error("Continue? [y/N]", "warning")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        fail("nothing was sent; with --yes it does not ask")


def _print(report: Report, calls: int, *, json: bool) -> None:
    if json:
        print_json({"findings": report.findings, "left": report.left, "calls": calls})
        return
    state = max((len(one.state) for one in report.findings), default=0)
    name = max((len(one.name) for one in report.findings), default=0)
    for one in report.findings:
        switches = f"  [{', '.join(one.switches)}]" if one.switches else ""
        first = f"{one.state:<{state}}  {one.name:<{name}}  "
        print_paragraph(f"{one.text}{switches}", first=first, indent=" " * len(first))
    for left in report.left:
        print_error(f"syncd: image {left.hash} could not be deleted: {left.why}", "error")
