"""`syncd audit`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from syncd.cli.console import print_json, print_line
from syncd.cli.errors import Exit, fail, ledger_required
from syncd.cli.options import DEFAULT_CONFIG, account_opener, load_config
from syncd.cli.parameters import ConfigPath, Json, account_names
from syncd.cli.selected import account_named
from syncd.cli.session import logged_session
from syncd.ledger import audits
from syncd.ledger.errors import LedgerBusyError
from syncd.ledger.file import changing
from syncd.logs.hooks import run_loop
from syncd.model import AccountName
from syncd.rules.forecast import amount

if TYPE_CHECKING:
    from syncd.config import AccountConfig, Config
    from syncd.engine.audit import Report


def audit(
    config: ConfigPath = DEFAULT_CONFIG,
    everything: Annotated[
        bool,
        typer.Option(
            "--everything",
            help="Also list each whole account, and count the images that syncd does not know.",
        ),
    ] = False,
    accept: Annotated[
        str,
        typer.Option(
            metavar="ACCOUNT",
            help="Confirm that the images which a suspect audit of this account did not find are"
            " gone.",
            show_default=False,
            autocompletion=account_names,
        ),
    ] = "",
    json: Json = False,
) -> None:
    """Compare the images that each account holds with the ledger.

    It takes one read per 50 images. An image that the account no longer has is sent again, or
    recorded as removed by hand, depending on `audit.restore`. If the daemon runs, the daemon does
    the audit and logs the result.
    """
    settings = load_config(config)
    if accept:
        _accept(settings, account_named(settings, accept))
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
            if json:
                print_json({"requested": True, "accounts": {}})
            else:
                print_line(
                    "the daemon begins the audit within a minute, and logs the result as audit.done"
                )
            return
    if json:
        print_json({"requested": False, "accounts": _as_json(reports)})
        raise typer.Exit(_exit_of(reports))
    raise typer.Exit(_print_reports(reports, _SENT_AGAIN if settings.audit.restore else _LEFT))


def _accept(config: Config, account: AccountConfig) -> None:
    with ledger_required(), changing(config.ledger.path) as db:
        accepted = audits.accept(account.id)(db)
    if not accepted:
        fail(f"no audit of {account.name} waits for your confirmation")


_SENT_AGAIN = "images that are gone are missing again: `syncd run` or `syncd backfill` sends them"
_LEFT = "images that are gone count as removed by hand, and are not sent again"


def _as_json(reports: Mapping[AccountName, Report | str]) -> Mapping[str, object]:
    """Return each report, or why it is missing; the names are those of the event `audit.done`."""
    return {
        name: {"why": report} if isinstance(report, str) else report
        for name, report in reports.items()
    }


def _exit_of(reports: Mapping[AccountName, Report | str]) -> Exit:
    whole = all(not isinstance(one, str) and not one.suspect for one in reports.values())
    return Exit.DONE if whole else Exit.NOT_ALL


def _print_reports(reports: Mapping[AccountName, Report | str], consequence: str) -> Exit:
    for name, report in reports.items():
        if isinstance(report, str):
            print_line(f"{name}: not audited: {report}")
            continue
        if report.suspect:
            print_line(
                f"{name}: {amount(report.suspect, 'image')} of one response are gone at once: not"
                f" believed before an audit an hour later, or `syncd audit --accept {name}`"
            )
            continue
        print_line(
            f"{name}: {amount(report.images, 'image')} checked: {report.gone:,} gone,"
            f" {report.renamed:,} renamed, {report.inactive:,} not active"
        )
        if report.gone:
            print_line(f"{name}: {consequence}")
        if report.unknown is not None:
            print_line(
                f"{name}: {report.total:,} in the account, {report.unknown:,} unknown to syncd"
            )
            for image in report.unknown_names:
                print_line(f"  {image}")
    return _exit_of(reports)
