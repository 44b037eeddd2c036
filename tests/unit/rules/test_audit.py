"""How an audit is spread over its period, and which differences it finds."""

import pytest

from syncd.model import ImageHash, ImageStatus, Listed
from syncd.rules.audit import MAX_SHARE, Difference, compare, read_interval
from syncd.rules.pacing.budget import READ_POINTS, Budget, Tier

DAY = 24 * 3600.0


@pytest.mark.parametrize("tier", Tier)
@pytest.mark.parametrize("reads", [0, 1, 20, 2000, 1_000_000])
@pytest.mark.parametrize("every", [1.0, 3600.0, DAY, 30 * DAY])
def test_an_audit_never_exceeds_its_share_of_the_budget(
    tier: Tier, reads: int, every: float
) -> None:
    budget = Budget.for_tier(tier)
    interval = read_interval(reads, every, budget)
    assert READ_POINTS * budget.window / interval <= budget.points * MAX_SHARE * 1.0001
    assert budget.calls_window / interval <= budget.calls * MAX_SHARE * 1.0001


def test_an_audit_is_spread_over_half_of_its_period_when_the_budget_allows_it() -> None:
    assert read_interval(100, DAY, Budget.for_tier(Tier.STANDARD)) == DAY / 200


def listed(status: ImageStatus = ImageStatus.ACTIVE, name: str | None = "a.jpg") -> Listed:
    return Listed(hash=ImageHash("aa"), name=name, status=status, created_at=None, used=None)


@pytest.mark.parametrize(
    ("found", "name", "status", "difference"),
    [
        (listed(), "a.jpg", "ACTIVE", Difference.NONE),
        (listed(), None, None, Difference.NONE),
        (listed(name=None), "a.jpg", None, Difference.NONE),
        (listed(ImageStatus.UNKNOWN), "a.jpg", None, Difference.NONE),
        (None, "a.jpg", "ACTIVE", Difference.GONE),
        (listed(ImageStatus.DELETED), "a.jpg", "ACTIVE", Difference.GONE),
        (listed(name="b.jpg"), "a.jpg", "ACTIVE", Difference.RENAMED),
        (listed(ImageStatus.INTERNAL), "a.jpg", "ACTIVE", Difference.INACTIVE),
        (listed(ImageStatus.INTERNAL), "a.jpg", None, Difference.INACTIVE),
        (listed(ImageStatus.INTERNAL), "a.jpg", "INTERNAL", Difference.NONE),  # already recorded
    ],
)
def test_an_image_that_differs_from_the_ledger_is_classified(
    found: Listed | None, name: str | None, status: str | None, difference: Difference
) -> None:
    assert compare(found, name, status) is difference
