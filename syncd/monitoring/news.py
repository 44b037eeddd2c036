"""Decisions about notifications: what is new to a receiver, and when it is sent. No IO."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from syncd.config import Topic
from syncd.ledger.alerts import Alert
from syncd.ledger.receivers import KnownAlert
from syncd.monitoring.entries import AlertEntry, RecoveredEntry, alert_entry, recovered_entry
from syncd.monitoring.entries import topic_of as topic_of_alert

_FIRST_RETRY, _LAST_RETRY = 5.0, 600.0  # seconds


class Change(msgspec.Struct, frozen=True):
    """The alerts that began and ended since a receiver was last notified."""

    begun: tuple[Alert, ...] = ()
    ended: tuple[KnownAlert, ...] = ()

    @property
    def known(self) -> list[KnownAlert]:
        """The alerts that began, as the receiver knows them once it has accepted them."""
        return [KnownAlert(alert.event, alert.subject, alert.since) for alert in self.begun]

    def entries(self, on: Collection[Topic], now: float) -> list[AlertEntry | RecoveredEntry]:
        """Return the entries that a receiver gets; `now` in unix seconds."""
        return [
            *(alert_entry(alert) for alert in self.begun if _selects(on, alert.event)),
            *(recovered_entry(known, now) for known in self.ended if Topic.RECOVERED in on),
        ]


def change(alerts: Sequence[Alert], known: Sequence[KnownAlert], on: Collection[Topic]) -> Change:
    """Return what has begun and ended; an alert that began again meanwhile has not ended."""
    keys = {(one.event, one.subject) for one in known}
    now = {(alert.event, alert.subject) for alert in alerts}
    return Change(
        tuple(
            alert
            for alert in alerts
            if (alert.event, alert.subject) not in keys and _follows(on, alert.event)
        ),
        tuple(one for one in known if (one.event, one.subject) not in now),
    )


def _selects(on: Collection[Topic], event: str) -> bool:
    """Return whether an alert is sent; the expiry of a token is one."""
    return Topic.ALERT in on or topic_of_alert(event) in on


def _follows(on: Collection[Topic], event: str) -> bool:
    """Return whether the end of an alert can be sent, or the alert itself."""
    if Topic.ALERT in on or Topic.TOKEN_EXPIRING in on:
        return _selects(on, event)
    return Topic.RECOVERED in on


def seconds_until_due(sent_at: float | None, every: float, now: float) -> float:
    """Return for how many seconds a receiver gets nothing; times in unix seconds.

    If the clock was set back, that is at most `every`.
    """
    if sent_at is None or sent_at > now:
        return 0.0
    return max(0.0, sent_at + every - now)


def retry_delay(tries: int) -> float:
    """Return the seconds between the failed try of this number, from 1, and the next one."""
    return float(min(_LAST_RETRY, _FIRST_RETRY * 2.0 ** min(tries - 1, 20)))
