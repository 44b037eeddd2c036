"""What an answer's usage headers say of an account."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.rules.pacing.budget import Tier


@dataclass(frozen=True, slots=True)
class Reading:
    """Percents of 100; None is what was not said."""

    calls: float | None = None
    """call_count of the business use case; the worst of its types."""
    work: float | None = None
    """The worst of total_cputime, total_time and the figures of the whole app."""
    points: float | None = None
    """acc_id_util_pct."""
    reset: float | None = None
    """reset_time_duration: seconds until the points are all there again."""
    regain: float | None = None
    """estimated_time_to_regain_access, in seconds."""
    tier: Tier | None = None
    """ads_api_access_tier."""
