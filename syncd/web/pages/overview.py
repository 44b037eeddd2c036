"""The overview: the daemon, what needs the operator, accounts and folders."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from syncd.daemon.report import AccountStatus, FolderStatus, Report
from syncd.daemon.status_file import AccountActivity
from syncd.ledger.alerts import Alert
from syncd.rules.forecast import amount
from syncd.web.addresses import activity_address, library_address
from syncd.web.html import Html, element, name
from syncd.web.pages.activity import Activity, activity_section
from syncd.web.pages.layout import whole_page
from syncd.wording import account as account_words
from syncd.wording.daemon import DaemonReport, sentence
from syncd.wording.figures import format_time

HIGH = 80
"""Percent of the budget from which on its bar has another colour."""


class Overview(msgspec.Struct, frozen=True):
    """The figures of a report, when they were counted, and whether the daemon runs."""

    report: Report
    counted_at: float  # unix seconds
    daemon: DaemonReport
    activity: Activity


def overview_page(shown: Overview, config: Path, *, signed_in: bool) -> bytes:
    """Return the page; `config` is the file of the configuration."""
    report, daemon, counted_at = shown.report, shown.daemon, shown.counted_at
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
        element("p", _parts(), class_="choice"),
        element("h2", "Accounts", id="accounts"),
        element("div", accounts, class_="cards"),
        activity_section(shown.activity),
        element("h2", "Folders", id="folders"),
        element("div", folders, class_="cards"),
        element("p", f"Counted at {format_time(counted_at)}.", class_="note"),
        signed_in=signed_in,
        at="/",
    )


def _parts() -> Iterator[Html]:
    """Return links to the parts of the page: the cards of 200 accounts are many screens."""
    for part in ("accounts", "activity", "folders"):
        yield element("a", part.title(), href=f"#{part}")


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
    return element(
        "article",
        element("h3", element("a", name(account), href=library_address(account=account))),
        element("p", text, class_=level.value),
        _figures(account, status, activity),
        element("p", f"act_{status.id} · ", _activity_link(account), class_="note"),
        class_="card",
    )


def _activity_link(account: str) -> Html:
    return element("a", "activity", href=activity_address(account=account))


def _figures(
    account: str, status: AccountStatus, activity: AccountActivity | None
) -> Iterator[Html]:
    """Return the images by state, the budget used, and when missing images will be there."""
    counts = (("held", status.held), ("missing", status.missing), ("rejected", status.rejected))
    yield element("ul", (_count(account, *one) for one in counts), class_="figures")
    if activity is None:
        return
    if (used := activity.budget_used) is not None:
        yield element("p", f"{used:g} % of the budget used", _share(used))
    if (ahead := account_words.ahead(status, activity, time.time())) is not None:
        yield element("p", ahead)


def _share(percent: float) -> Html:
    bar = element("rect", width=f"{min(100.0, percent):g}%", height="100%")
    high = " high" if percent >= HIGH else ""
    return element("svg", bar, class_=f"share{high}", aria_hidden="true")


def _count(account: str, state: str, images: int) -> Html:
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
