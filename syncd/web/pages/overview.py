"""The overview: the daemon, what needs the operator, accounts and folders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from syncd.daemon.report import AccountStatus, FolderStatus, Report
from syncd.daemon.status_file import AccountActivity
from syncd.ledger.alerts import Alert
from syncd.rules.forecast import amount
from syncd.web.addresses import library_address
from syncd.web.html import Html, element, name
from syncd.web.pages.layout import whole_page
from syncd.wording import account as account_words
from syncd.wording.daemon import DaemonReport, sentence
from syncd.wording.figures import format_time


def overview_page(
    report: Report, counted_at: float, daemon: DaemonReport, config: Path, *, signed_in: bool
) -> bytes:
    """Return the page of a report, which was counted at that time in unix seconds."""
    level = "good" if daemon.is_running else "alert"
    accounts = [
        _account(one, status, daemon.accounts.get(one)) for one, status in report.accounts.items()
    ]
    folders = [_folder(one, status) for one, status in report.folders.items()]
    return whole_page(
        "Overview",
        element("h1", "Overview"),
        element("p", sentence(daemon, config), class_=level, id="daemon"),
        [_alert(alert) for alert in report.needs_you],
        element("h2", "Accounts"),
        element("div", accounts, class_="cards"),
        element("h2", "Folders"),
        element("div", folders, class_="cards"),
        element("p", f"Counted at {format_time(counted_at)}.", class_="note"),
        signed_in=signed_in,
    )


def _alert(alert: Alert) -> Html:
    return element(
        "section",
        element("p", element("strong", name(alert.subject)), f": {alert.why}"),
        element("p", f"To do: {alert.remedy}") if alert.remedy else None,
        element("p", f"since {format_time(alert.since)}", class_="note"),
        class_="alert",
    )


def _account(account: str, status: AccountStatus, activity: AccountActivity | None) -> Html:
    text, level = account_words.state(status, activity)
    figures = (("held", status.held), ("missing", status.missing), ("rejected", status.rejected))
    return element(
        "article",
        element("h3", element("a", name(account), href=library_address(account=account))),
        element("p", text, class_=level.value),
        element("ul", (_figure(account, *one) for one in figures), class_="figures"),
        element("p", f"act_{status.id}", class_="note"),
        class_="card",
    )


def _figure(account: str, state: str, images: int) -> Html:
    address = library_address(account=account, state=state)
    return element("li", element("a", element("b", images), f" {state}", href=address))


def _folder(folder: str, status: FolderStatus) -> Html:
    scanned = f"scanned {format_time(status.scanned_at)}" if status.scanned_at else "not scanned"
    return element(
        "article",
        element("h3", element("a", name(folder), href=library_address(folder=folder))),
        element("p", f"{amount(status.files, 'file')}, {scanned}"),
        (element("p", text, class_="warning") for text in _troubles(status)),
        element("p", name(status.path), class_="note path"),
        class_="card",
    )


def _troubles(status: FolderStatus) -> Iterator[str]:
    if status.doubt:
        yield status.doubt
    if status.trouble:
        yield status.trouble
    if unread := sum(count.count for count in (*status.unreadable, *status.unfinished)):
        yield f"{amount(unread, 'file')} not read"
    if status.deletions_held:
        yield f"{amount(status.deletions_held, 'image')} held for the operator to decide"
