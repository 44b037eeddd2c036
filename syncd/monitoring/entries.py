"""The entries of a notification: one for each thing that happened, as JSON has them.

Names of fields are those of the log. `on` is the word in the configuration that selects an entry,
`event` the event of the log.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec

from syncd.config import Topic
from syncd.ledger.alerts import Alert
from syncd.ledger.history import What
from syncd.ledger.history_rows import Row
from syncd.ledger.receivers import KnownAlert
from syncd.log import elapsed, timestamp_of
from syncd.logs.secrets import without_secrets
from syncd.model import AccountId, printable

EXPIRING = "token.expiring"

HELD = (What.UPLOADED, What.COPIED, What.RESTORED)
"""The rows of the history after which an account holds an image."""


class AlertEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Something that needs the operator."""

    on: Topic
    event: str
    timestamp: str
    subject: str
    accounts: tuple[str, ...]
    why: str
    remedy: str


class RecoveredEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The end of an alert that the receiver knows; `duration` in seconds."""

    on: Topic
    event: str
    timestamp: str
    subject: str
    since: str
    duration: float


class ImageEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An image that an account holds or rejects; `what` as in `syncd log`."""

    on: Topic
    event: str
    timestamp: str
    what: str
    account: str
    id: str
    folder: str | None
    file: str | None
    name: str | None
    sha256: str | None
    hash: str | None
    why: str | None


class BackfillEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a backfill for one account: the images of the part that it worked on."""

    on: Topic
    event: str
    timestamp: str
    account: str
    sync: str
    wanted: int
    held: int
    missing: int
    rejected: int
    uploaded: int
    copied: int
    rejections: Mapping[str, int]
    troubles: Mapping[str, int]
    why: str | None


class TestEntry(msgspec.Struct, frozen=True):
    """The only entry of a notification of `syncd notify test`."""

    __test__ = False  # for pytest

    event: str
    timestamp: str


Entry = AlertEntry | RecoveredEntry | ImageEntry | BackfillEntry | TestEntry


class Names(msgspec.Struct, frozen=True):
    """The names in the configuration, of accounts by their ids and of folders by their paths."""

    accounts: Mapping[AccountId, str]
    folders: Mapping[bytes, str]


def topic_of(event: str) -> Topic:
    """Return the topic of an alert with this event."""
    return Topic.TOKEN_EXPIRING if event == EXPIRING else Topic.ALERT


def whats(on: frozenset[Topic]) -> tuple[What, ...]:
    """Return what is read from the history for a receiver that is notified of these topics."""
    rejected = (What.REJECTED,) if Topic.IMAGE_REJECTED in on else ()
    return (*(HELD if Topic.IMAGE_HELD in on else ()), *rejected)


def alert_entry(alert: Alert) -> AlertEntry:
    return AlertEntry(
        on=topic_of(alert.event),
        event=alert.event,
        timestamp=timestamp_of(alert.since),
        subject=alert.subject,
        accounts=alert.accounts,
        why=_text(alert.why),
        remedy=_text(alert.remedy),
    )


def recovered_entry(known: KnownAlert, now: float) -> RecoveredEntry:
    return RecoveredEntry(
        on=Topic.RECOVERED,
        event=known.event,
        timestamp=timestamp_of(now),
        subject=known.subject,
        since=timestamp_of(known.since),
        duration=elapsed(known.since, now),
    )


def image_entry(row: Row, names: Names) -> ImageEntry:
    """Return the entry for a row of the history that is about an image of an account."""
    account = row.account or AccountId("")
    on = Topic.IMAGE_REJECTED if row.what is What.REJECTED else Topic.IMAGE_HELD
    file = None if row.root is None or row.path is None else os.path.join(row.root, row.path)
    return ImageEntry(
        on=on,
        event=on.value,
        timestamp=timestamp_of(row.at),
        what=row.what.value,
        account=names.accounts.get(account, f"act_{account}"),
        id=account,
        folder=None if row.root is None else names.folders.get(row.root),
        file=None if file is None else printable(file),
        name=None if file is None else printable(os.path.basename(file)),
        sha256=None if row.digest is None else row.digest.hex(),
        hash=row.hash,
        why=None if row.why is None else _text(row.why),
    )


def _text(text: str) -> str:
    return printable(without_secrets(text))
