"""The figures for the metrics, from the lanes and the last report: no query of the ledger."""

from __future__ import annotations

import platform
import time
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from syncd import __version__
from syncd.daemon.report import (
    AccountStatus,
    FolderStatus,
    Report,
    without_ended_pauses,
)
from syncd.daemon.runtime import Runtime
from syncd.engine.counters import DURATIONS
from syncd.engine.lane import Lane
from syncd.engine.stats import seconds_to_send, state_of
from syncd.folders import skipped
from syncd.ledger.queries import Count
from syncd.monitoring.figures import (
    AccountFigures,
    Figures,
    FolderFigures,
    Histogram,
    Resources,
)

_EXTENSION = "extension"
_REASONS = (
    skipped.HIDDEN,
    skipped.EXCLUDED,
    skipped.LINK,
    skipped.ODD_NAME,
    skipped.NO_EXTENSION,
    _EXTENSION,
)


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a runtime; by default those before the first count."""

    at: float | None = None  # unix seconds
    accounts: Sequence[AccountFigures] = ()
    folders: Sequence[FolderFigures] = ()
    alerts: Mapping[str, int] = msgspec.field(default_factory=dict)  # by event


def counted_of(runtime: Runtime, report: Report, at: float | None) -> Counted:
    """Return the figures of a runtime now; `report` was as the ledger is at `at`."""
    now = time.time()
    report = without_ended_pauses(report, now)
    lanes = runtime.engine.lanes.values()
    per_post = runtime.config.pack.images
    return Counted(
        at=at,
        accounts=[
            _account(lane, report.accounts[lane.name], per_post, now)
            for lane in lanes
            if lane.name in report.accounts
        ],
        folders=[_folder(name, folder, now) for name, folder in report.folders.items()],
        alerts=Counter(alert.event for alert in report.needs_you),
    )


def figures_of(counted: Counted, *, is_ready: bool, dropped: int, used: Resources) -> Figures:
    """Return all figures: those of a runtime, and those of the process."""
    return Figures(
        version=__version__,
        python=platform.python_version(),
        is_ready=is_ready,
        counted_at=counted.at,
        accounts=counted.accounts,
        folders=counted.folders,
        alerts=counted.alerts,
        dropped=dropped,
        resources=used,
    )


def _account(lane: Lane, known: AccountStatus, per_post: int, now: float) -> AccountFigures:
    counters, since = lane.counters, known.missing_since
    return AccountFigures(
        name=lane.name,
        images={
            "held": known.held,
            "missing": known.missing,
            "rejected": known.rejected,
            "in_flight": lane.queue.in_flight,
        },
        calls={(kind.value, end.value): n for (kind, end), n in counters.ended.items()},
        uploaded_bytes=counters.bytes,
        uploads=Histogram(DURATIONS, tuple(counters.uploads.counts), counters.uploads.total),
        budget_used=lane.pacer.shares_used,
        state=state_of(known.pause, is_failing=known.failing_since is not None),
        paused_for=0.0 if known.pause is None else max(0.0, now - known.pause.since),
        oldest_missing_for=0.0 if since is None else max(0.0, now - since),
        forecast=seconds_to_send(lane, known.missing, per_post),
        token_expires_at=lane.health.token_expires_at,
    )


def _folder(name: str, known: FolderStatus, now: float) -> FolderFigures:
    age = None if known.scanned_at is None else max(0.0, now - known.scanned_at)
    return FolderFigures(name, age, _by_reason(known.skipped))


def _by_reason(counts: Sequence[Count]) -> dict[str, int]:
    """Return the skipped files by reason; the extensions, which can be any, are one reason."""
    found = dict.fromkeys(_REASONS, 0)
    for count in counts:
        reason = count.reason if count.reason in found else _EXTENSION
        found[reason] += count.count
    return found
