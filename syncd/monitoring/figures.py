"""The figures of the process at one moment, which the metrics show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

ACCOUNT_STATES = ("open", "paused", "stopped", "failing")
"""The states of an account; it has one of them."""


class Histogram(msgspec.Struct, frozen=True):
    """Observations, counted between upper bounds."""

    bounds: Sequence[float]
    counts: Sequence[int]
    """For each bound, those up to it and above the one before; then those above the last."""
    total: float
    """The sum of all observations."""


class AccountFigures(msgspec.Struct, frozen=True, kw_only=True):
    """An account: its images as last counted, and the traffic of this process."""

    name: str
    images: Mapping[str, int]  # by state
    calls: Mapping[tuple[str, str], int]  # by kind and outcome
    uploaded_bytes: int
    uploads: Histogram  # seconds
    budget_used: Mapping[str, float]  # by window, as a share of what syncd may use
    state: str  # one of ACCOUNT_STATES
    paused_for: float  # seconds
    oldest_missing_for: float  # seconds
    forecast: float | None  # seconds; None: the account takes no calls
    token_expires_at: float | None  # unix seconds; None: it does not expire, or that is not known


class FolderFigures(msgspec.Struct, frozen=True):
    """A folder as last counted."""

    name: str
    scanned_for: float | None  # seconds since the last scan; None: it was never scanned
    skipped: Mapping[str, int]  # files by reason


class Resources(msgspec.Struct, frozen=True, kw_only=True):
    """The resources that the process uses; None where the system hides it."""

    started_at: float  # unix seconds
    cpu: float  # seconds
    memory: int | None  # bytes
    descriptors: int | None
    most_descriptors: int


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """All figures."""

    version: str
    python: str
    is_ready: bool
    counted_at: float | None  # unix seconds of the ledger's figures; None: not yet
    accounts: Sequence[AccountFigures]
    folders: Sequence[FolderFigures]
    alerts: Mapping[str, int]  # by event; none of an event that is left out
    dropped: int  # records of the log
    resources: Resources
