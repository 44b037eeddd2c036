"""`syncd audit`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli.errors import Exit
from syncd.cli.options import DEFAULT_CONFIG, ConfigPath, account_opener, load_config
from syncd.cli.session import logged_session
from syncd.ledger import audits
from syncd.ledger.database import changing
from syncd.ledger.errors import LedgerBusyError
from syncd.logs.hooks import run_loop
from syncd.rules.forecast import amount

if TYPE_CHECKING:
    from syncd.engine.audit import Report
    from syncd.model import AccountName


def audit(
    config: ConfigPath = DEFAULT_CONFIG,
    everything: Annotated[
        bool,
        typer.Option(
            "--everything",
            help="Also list each whole account, and count the images that syncd does not know.",
        ),
    ] = False,
) -> None:
    """Compare the images that each account holds with the ledger.

    It takes one read per 50 images. An image that the account no longer has is sent again, or
    recorded as removed by hand, depending on `audit.restore`. If the daemon runs, the daemon does
    the audit and logs the result.
    """
    settings = load_config(config)
    open_account = account_opener(settings)
    with logged_session(settings):
        from syncd.daemon.audit import audit as run_audit  # noqa: PLC0415  aiohttp is slow to load
        from syncd.engine.audit import EVERYTHING, HELD  # noqa: PLC0415  the same

        try:
            reports = run_loop(run_audit(settings, open_account, everything=everything))
        except LedgerBusyError:
            ids = [account.id for account in settings.accounts.values()]
            with changing(settings.ledger.path) as db:
                audits.request(ids, EVERYTHING if everything else HELD)(db)
            print("the daemon begins the audit within a minute, and logs the result as audit.done")
            return
    raise typer.Exit(_print_reports(reports, _SENT_AGAIN if settings.audit.restore else _LEFT))


_SENT_AGAIN = "images that are gone are missing again: `syncd run` or `syncd backfill` sends them"
_LEFT = "images that are gone count as removed by hand, and are not sent again"


def _print_reports(reports: Mapping[AccountName, Report | str], consequence: str) -> Exit:
    code = Exit.DONE
    for name, report in reports.items():
        if isinstance(report, str):
            print(f"{name}: not audited: {report}")
            code = Exit.NOT_ALL
            continue
        print(
            f"{name}: {amount(report.images, 'image')} checked: {report.gone:,} gone,"
            f" {report.renamed:,} renamed, {report.inactive:,} not active"
        )
        if report.gone:
            print(f"{name}: {consequence}")
        if report.unknown is not None:
            print(f"{name}: {report.total:,} in the account, {report.unknown:,} unknown to syncd")
            for image in report.unknown_names:
                print(f"  {image}")
    return code
