"""The metrics: their names, labels and meanings, and how they follow from the figures.

Names, labels and values are stable: dashboards and alert rules rely on them. The label `account` or
`folder` is a name of the configuration, and every other label has a small set of values, so that
the number of series is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import Enum

import msgspec

from syncd.logs.catalogue import CATALOGUE
from syncd.monitoring.figures import (
    ACCOUNT_STATES,
    AccountFigures,
    Figures,
    FolderFigures,
    Histogram,
)

_ALERTS = [event.name for event in CATALOGUE if "error" in event.levels and event.ended_by]
"""The events that begin an alert. Each of them has a series: one that appears together with the
first alert is not noticed by all rules."""

Value = float | Histogram

Series = Iterable[tuple[tuple[str, ...], Value | None]]
"""The values of the labels, and the value of the series; None: it is not known."""


class Kind(Enum):
    """A type of metric in Prometheus."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """A metric and its labels; `help` is what it measures."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    series: Callable[[Figures], Series]


def _one(value: Callable[[Figures], float | None]) -> Callable[[Figures], Series]:
    return lambda figures: [((), value(figures))]


def _of_accounts(series: Callable[[AccountFigures], Series]) -> Callable[[Figures], Series]:
    """Return the series of all accounts, with the account's name as the first label."""

    def all_of(figures: Figures) -> Iterator[tuple[tuple[str, ...], Value | None]]:
        for account in figures.accounts:
            for labels, value in series(account):
                yield (account.name, *labels), value

    return all_of


def _of_folders(series: Callable[[FolderFigures], Series]) -> Callable[[Figures], Series]:
    """Return the series of all folders, with the folder's name as the first label."""

    def all_of(figures: Figures) -> Iterator[tuple[tuple[str, ...], Value | None]]:
        for folder in figures.folders:
            for labels, value in series(folder):
                yield (folder.name, *labels), value

    return all_of


def _account(value: Callable[[AccountFigures], Value | None]) -> Callable[[Figures], Series]:
    return _of_accounts(lambda account: [((), value(account))])


_GAUGE, _COUNTER = Kind.GAUGE, Kind.COUNTER

METRICS = (
    Metric(
        name="syncd_build_info",
        kind=_GAUGE,
        labels=("version", "python"),
        help="1; the labels are the versions of syncd and of Python",
        series=lambda figures: [((figures.version, figures.python), 1)],
    ),
    Metric(
        name="syncd_ready",
        kind=_GAUGE,
        labels=(),
        help="1 while /readyz has status 200, else 0",
        series=_one(lambda figures: figures.is_ready),
    ),
    Metric(
        name="syncd_counted_timestamp_seconds",
        kind=_GAUGE,
        labels=(),
        help="unix time at which images, states, folders and alerts were last as shown here",
        series=_one(lambda figures: figures.counted_at),
    ),
    Metric(
        name="syncd_images",
        kind=_GAUGE,
        labels=("account", "state"),
        help=(
            "images by state: held, missing, rejected; in_flight are those of the missing ones that"
            " are being sent"
        ),
        series=_of_accounts(lambda account: [((state,), n) for state, n in account.images.items()]),
    ),
    Metric(
        name="syncd_oldest_missing_seconds",
        kind=_GAUGE,
        labels=("account",),
        help="time since the oldest missing image became missing; 0 if none is",
        series=_account(lambda account: account.oldest_missing_for),
    ),
    Metric(
        name="syncd_forecast_seconds",
        kind=_GAUGE,
        labels=("account",),
        help=(
            "time that the missing images take within the budget; absent while the account is"
            " stopped or failing"
        ),
        series=_account(lambda account: account.forecast),
    ),
    Metric(
        name="syncd_account_state",
        kind=_GAUGE,
        labels=("account", "state"),
        help="1 for the state of the account, 0 for the others: open, paused, stopped, failing",
        series=_of_accounts(
            lambda account: [((state,), state == account.state) for state in ACCOUNT_STATES]
        ),
    ),
    Metric(
        name="syncd_paused_seconds",
        kind=_GAUGE,
        labels=("account",),
        help="time since the account was paused or stopped; 0 if it is neither",
        series=_account(lambda account: account.paused_for),
    ),
    Metric(
        name="syncd_budget_used_ratio",
        kind=_GAUGE,
        labels=("account", "window"),
        help="share of the budget less the reserve that is used, by window: points or calls",
        series=_of_accounts(
            lambda account: [((w,), share) for w, share in account.budget_used.items()]
        ),
    ),
    Metric(
        name="syncd_token_expiry_timestamp_seconds",
        kind=_GAUGE,
        labels=("account",),
        help="unix time at which the token expires; absent if it does not, or if that is not known",
        series=_account(lambda account: account.token_expires_at),
    ),
    Metric(
        name="syncd_calls_total",
        kind=_COUNTER,
        labels=("account", "kind", "outcome"),
        help=(
            "calls that have ended, by kind (upload, copy, read, delete) and outcome: ok, rejected"
            " (the image), throttled, error, no_response"
        ),
        series=_of_accounts(lambda account: list(account.calls.items())),
    ),
    Metric(
        name="syncd_uploaded_bytes_total",
        kind=_COUNTER,
        labels=("account",),
        help="bytes of the images that were uploaded",
        series=_account(lambda account: account.uploaded_bytes),
    ),
    Metric(
        name="syncd_upload_duration_seconds",
        kind=Kind.HISTOGRAM,
        labels=("account",),
        help="time from the begin of an upload, of one or more images, to its response or failure",
        series=_account(lambda account: account.uploads),
    ),
    Metric(
        name="syncd_scan_age_seconds",
        kind=_GAUGE,
        labels=("folder",),
        help="time since the last complete scan; absent before the first one",
        series=_of_folders(lambda folder: [((), folder.scanned_for)]),
    ),
    Metric(
        name="syncd_skipped_files",
        kind=_GAUGE,
        labels=("folder", "reason"),
        help=(
            "files that syncd does not take, by reason: hidden, excluded, link, odd_name,"
            " no_extension, extension"
        ),
        series=_of_folders(lambda folder: [((why,), n) for why, n in folder.skipped.items()]),
    ),
    Metric(
        name="syncd_alerts",
        kind=_GAUGE,
        labels=("event",),
        help="alerts that need the operator, as in `syncd status`, by event",
        series=lambda figures: [((event,), figures.alerts.get(event, 0)) for event in _ALERTS],
    ),
    Metric(
        name="syncd_log_dropped_total",
        kind=_COUNTER,
        labels=(),
        help="records of the log that were lost",
        series=_one(lambda figures: figures.dropped),
    ),
    Metric(
        name="process_cpu_seconds_total",
        kind=_COUNTER,
        labels=(),
        help="CPU time of the process",
        series=_one(lambda figures: figures.resources.cpu),
    ),
    Metric(
        name="process_resident_memory_bytes",
        kind=_GAUGE,
        labels=(),
        help="memory of the process",
        series=_one(lambda figures: figures.resources.memory),
    ),
    Metric(
        name="process_open_fds",
        kind=_GAUGE,
        labels=(),
        help="open file descriptors",
        series=_one(lambda figures: figures.resources.descriptors),
    ),
    Metric(
        name="process_max_fds",
        kind=_GAUGE,
        labels=(),
        help="limit of the open file descriptors",
        series=_one(lambda figures: figures.resources.most_descriptors),
    ),
    Metric(
        name="process_start_time_seconds",
        kind=_GAUGE,
        labels=(),
        help="unix time at which the process was started",
        series=_one(lambda figures: figures.resources.started_at),
    ),
)
