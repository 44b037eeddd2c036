"""The metrics: their names, labels and meanings, and how they follow from the figures.

Names, labels and values are stable: dashboards and alert rules rely on them. The label `account` or
`folder` is a name of the configuration, and every other label has a small set of values, so that
the number of series is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import Enum

import msgspec

from syncd.monitoring.figures import (
    ACCOUNT_STATES,
    AccountFigures,
    Figures,
    FolderFigures,
    Histogram,
)

Value = float | Histogram

Series = Iterable[tuple[tuple[str, ...], Value | None]]
"""The values of the labels, and the value of the series; None: it is not known."""


class Kind(Enum):
    """A type of metric in Prometheus."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Metric(msgspec.Struct, frozen=True):
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
        "syncd_build_info",
        _GAUGE,
        ("version", "python"),
        "1; the labels are the versions of syncd and of Python",
        lambda figures: [((figures.version, figures.python), 1)],
    ),
    Metric(
        "syncd_ready",
        _GAUGE,
        (),
        "1 while /readyz has status 200, else 0",
        _one(lambda figures: figures.is_ready),
    ),
    Metric(
        "syncd_counted_timestamp_seconds",
        _GAUGE,
        (),
        "unix time at which images, states, folders and alerts were last as shown here",
        _one(lambda figures: figures.counted_at),
    ),
    Metric(
        "syncd_images",
        _GAUGE,
        ("account", "state"),
        "images by state: held, missing, rejected; in_flight are those of the missing ones that"
        " are being sent",
        _of_accounts(lambda account: [((state,), n) for state, n in account.images.items()]),
    ),
    Metric(
        "syncd_oldest_missing_seconds",
        _GAUGE,
        ("account",),
        "time since the oldest missing image became missing; 0 if none is",
        _account(lambda account: account.oldest_missing_for),
    ),
    Metric(
        "syncd_forecast_seconds",
        _GAUGE,
        ("account",),
        "time that the missing images take within the budget; absent while the account is stopped"
        " or failing",
        _account(lambda account: account.forecast),
    ),
    Metric(
        "syncd_account_state",
        _GAUGE,
        ("account", "state"),
        "1 for the state of the account, 0 for the others: open, paused, stopped, failing",
        _of_accounts(
            lambda account: [((state,), state == account.state) for state in ACCOUNT_STATES]
        ),
    ),
    Metric(
        "syncd_paused_seconds",
        _GAUGE,
        ("account",),
        "time since the account was paused or stopped; 0 if it is neither",
        _account(lambda account: account.paused_for),
    ),
    Metric(
        "syncd_budget_used_ratio",
        _GAUGE,
        ("account", "window"),
        "share of the budget less the reserve that is used, by window: points or calls",
        _of_accounts(lambda account: [((w,), share) for w, share in account.budget_used.items()]),
    ),
    Metric(
        "syncd_token_expiry_timestamp_seconds",
        _GAUGE,
        ("account",),
        "unix time at which the token expires; absent if it does not, or if that is not known",
        _account(lambda account: account.token_expires_at),
    ),
    Metric(
        "syncd_calls_total",
        _COUNTER,
        ("account", "kind", "outcome"),
        "calls that have ended, by kind (upload, copy, read, delete) and outcome: ok, rejected (the"
        " image), throttled, error, no_response",
        _of_accounts(lambda account: list(account.calls.items())),
    ),
    Metric(
        "syncd_uploaded_bytes_total",
        _COUNTER,
        ("account",),
        "bytes of the images that were uploaded",
        _account(lambda account: account.uploaded_bytes),
    ),
    Metric(
        "syncd_upload_duration_seconds",
        Kind.HISTOGRAM,
        ("account",),
        "time from the begin of an upload, of one or more images, to its response or failure",
        _account(lambda account: account.uploads),
    ),
    Metric(
        "syncd_scan_age_seconds",
        _GAUGE,
        ("folder",),
        "time since the last complete scan; absent before the first one",
        _of_folders(lambda folder: [((), folder.scanned_for)]),
    ),
    Metric(
        "syncd_skipped_files",
        _GAUGE,
        ("folder", "reason"),
        "files that syncd does not take, by reason: hidden, excluded, link, odd_name, no_extension,"
        " extension",
        _of_folders(lambda folder: [((why,), n) for why, n in folder.skipped.items()]),
    ),
    Metric(
        "syncd_alerts",
        _GAUGE,
        ("event",),
        "alerts that need the operator, as in `syncd status`, by event",
        lambda figures: [((event,), n) for event, n in figures.alerts.items()],
    ),
    Metric(
        "syncd_log_dropped_total",
        _COUNTER,
        (),
        "records of the log that were lost",
        _one(lambda figures: figures.dropped),
    ),
    Metric(
        "process_cpu_seconds_total",
        _COUNTER,
        (),
        "CPU time of the process",
        _one(lambda figures: figures.resources.cpu),
    ),
    Metric(
        "process_resident_memory_bytes",
        _GAUGE,
        (),
        "memory of the process",
        _one(lambda figures: figures.resources.memory),
    ),
    Metric(
        "process_open_fds",
        _GAUGE,
        (),
        "open file descriptors",
        _one(lambda figures: figures.resources.descriptors),
    ),
    Metric(
        "process_max_fds",
        _GAUGE,
        (),
        "limit of the open file descriptors",
        _one(lambda figures: figures.resources.most_descriptors),
    ),
    Metric(
        "process_start_time_seconds",
        _GAUGE,
        (),
        "unix time at which the process was started",
        _one(lambda figures: figures.resources.started_at),
    ),
)
