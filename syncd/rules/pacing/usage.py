"""The usage of an account's budget as reported by response headers."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.rules.pacing.budget import Tier


@dataclass(frozen=True, slots=True)
class BudgetUsage:
    """Figures of the usage headers, in percent of each limit; None if not reported."""

    calls: float | None = None
    """call_count of the business use case: the highest of its types."""
    cpu_time: float | None = None
    """The highest of total_cputime, total_time and the figures of the whole app."""
    points: float | None = None
    """acc_id_util_pct."""
    tier: Tier | None = None
    """ads_api_access_tier."""
