"""`syncd audit`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli.console import amount
from syncd.cli.exits import Exit
from syncd.cli.options import DEFAULT_CONFIG, ConfigPath, configured, opened
from syncd.cli.session import lasting
from syncd.ledger import audits
from syncd.ledger.database import changing
from syncd.ledger.errors import LedgerBusyError
from syncd.logs.hooks import run_loop

if TYPE_CHECKING:
    from syncd.engine.audit import Report
    from syncd.model import AccountName


def audit(
    config: ConfigPath = DEFAULT_CONFIG,
    everything: Annotated[
        bool,
        typer.Option(
            "--everything", help="List each whole account, too, and count what syncd knows not."
        ),
    ] = False,
) -> None:
    """Compare what each account really holds with the ledger, now.

    One read for 50 images. What is gone there is missing again, or noted as removed by hand, as
    audit.restore says. Beside a running daemon, that one does it, and says so in its log.
    """
    settings = configured(config)
    open_account = opened(settings)
    with lasting(settings):
        from syncd.daemon.audit import audit as run_audit  # noqa: PLC0415  as in `syncd run`
        from syncd.engine.audit import EVERYTHING, HELD  # noqa: PLC0415  the same

        try:
            reports = run_loop(run_audit(settings, open_account, everything=everything))
        except LedgerBusyError:
            ids = [account.id for account in settings.accounts.values()]
            with changing(settings.ledger.path) as db:
                audits.request(ids, EVERYTHING if everything else HELD)(db)
            print(
                "the running daemon audits within a minute; its log says what it finds: audit.done"
            )
            return
    raise typer.Exit(_report(reports, _SENT_AGAIN if settings.audit.restore else _LEFT))


_SENT_AGAIN = "what is gone is missing again: `syncd run` or `syncd backfill` sends it"
_LEFT = "what is gone counts as removed by hand: it is not sent again"


def _report(reports: Mapping[AccountName, Report | str], of_the_gone: str) -> Exit:
    done = Exit.DONE
    for name, report in reports.items():
        if isinstance(report, str):
            sys.stdout.write(f"{name}: not audited: {report}\n")
            done = Exit.NOT_ALL
            continue
        sys.stdout.write(
            f"{name}: {amount(report.images, 'image')} asked about: {report.gone:,} gone,"
            f" {report.renamed:,} renamed, {report.inactive:,} not active\n"
        )
        if report.gone:
            sys.stdout.write(f"{name}: {of_the_gone}\n")
        if report.unknown is not None:
            sys.stdout.write(f"{name}: {report.total:,} there, {report.unknown:,} not syncd's\n")
            for named in report.unknown_names:
                sys.stdout.write(f"  {named}\n")
    return done
