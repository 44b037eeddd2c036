"""A notification as text: a title and lines that fit a phone, what happened first. No IO."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import assert_never

from syncd.monitoring.entries import (
    AlertEntry,
    BackfillEntry,
    Entry,
    ImageEntry,
    RecoveredEntry,
    TestEntry,
)
from syncd.rules.forecast import amount

MOST_LINES = 20
"""Lines of a text, of which the last one can be the number of others."""

_MOST_NAMES = 3
"""Subjects that one line names."""


def text_of(entries: Sequence[Entry], host: str, images: int | None = None) -> tuple[str, str]:
    """Return title and body; `images` is the number of all images, of which some have no entry."""
    lines = list(chain(_alerts(entries), _recovered(entries), map(_line, _others(entries))))
    found = [entry for entry in entries if isinstance(entry, ImageEntry)]
    total = len(found) if images is None else images
    unlisted = total - len(found)
    if unlisted or len(lines) > MOST_LINES:
        unlisted += max(0, len(lines) - (MOST_LINES - 1))
        lines = [*lines[: MOST_LINES - 1], f"and {unlisted:,} more"]
    return f"syncd on {host}: {', '.join(_title(entries, total))}", "\n".join(lines)


def _title(entries: Sequence[Entry], images: int) -> Iterator[str]:
    alerts = sum(isinstance(entry, AlertEntry) for entry in entries)
    recovered = sum(isinstance(entry, RecoveredEntry) for entry in entries)
    if alerts:
        yield amount(alerts, "alert")
    if recovered:
        yield f"{recovered:,} recovered"
    if any(isinstance(entry, BackfillEntry) for entry in entries):
        yield "backfill done"
    if images:
        yield amount(images, "image")
    if any(isinstance(entry, TestEntry) for entry in entries):
        yield "test"


def _alerts(entries: Sequence[Entry]) -> Iterator[str]:
    """Yield one line for all alerts with the same event, reason and remedy."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for entry in entries:
        if isinstance(entry, AlertEntry):
            key = (entry.event, entry.why, entry.remedy)
            groups.setdefault(key, []).append(entry.subject)
    for (event, why, remedy), subjects in groups.items():
        yield f"{event} {_names(subjects)}: {why}. {remedy}"


def _recovered(entries: Sequence[Entry]) -> Iterator[str]:
    groups: dict[str, list[str]] = {}
    for entry in entries:
        if isinstance(entry, RecoveredEntry):
            groups.setdefault(entry.event, []).append(entry.subject)
    for event, subjects in groups.items():
        yield f"recovered: {event} {_names(subjects)}"


def _others(entries: Sequence[Entry]) -> Iterator[ImageEntry | BackfillEntry | TestEntry]:
    for entry in entries:
        if not isinstance(entry, AlertEntry | RecoveredEntry):
            yield entry


def _line(entry: ImageEntry | BackfillEntry | TestEntry) -> str:
    match entry:
        case ImageEntry(why=None):
            return f"{entry.account} holds {entry.file or entry.sha256} as {entry.hash}"
        case ImageEntry():
            return f"{entry.account} rejected {entry.file or entry.sha256}: {entry.why}"
        case BackfillEntry():
            return _backfill_line(entry)
        case TestEntry():
            return "This is a test: nothing happened, and nothing has to be done."
        case _:
            assert_never(entry)


def _backfill_line(entry: BackfillEntry) -> str:
    reasons: Mapping[str, int] = {**entry.rejections, **entry.troubles}
    listed = "".join(f"; {count:,}: {why}" for why, count in reasons.items())
    account = f": {entry.why}" if entry.why else ""
    return (
        f"{entry.account}: {entry.held:,} of {entry.wanted:,} held, {entry.missing:,} missing,"
        f" {entry.rejected:,} rejected{account}{listed}"
    )


def _names(subjects: Sequence[str]) -> str:
    shown = ", ".join(subjects[:_MOST_NAMES])
    more = len(subjects) - _MOST_NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown
