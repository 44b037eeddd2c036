"""How an audit is spread, and what it makes of what an account lists."""

import pytest

from syncd.model import ImageHash, ImageStatus, Listed
from syncd.rules.audit import SHARE, Difference, between_reads, compare
from syncd.rules.pacing.budget import READ_POINTS, Budget, Tier

DAY = 24 * 3600.0


@pytest.mark.parametrize("tier", Tier)
@pytest.mark.parametrize("reads", [0, 1, 20, 2000, 1_000_000])
@pytest.mark.parametrize("every", [1.0, 3600.0, DAY, 30 * DAY])
def test_an_audit_takes_no_more_than_its_share(tier: Tier, reads: int, every: float) -> None:
    budget = Budget.for_tier(tier)
    pause = between_reads(reads, every, budget)
    assert READ_POINTS * budget.window / pause <= budget.points * SHARE * 1.0001
    assert budget.calls_window / pause <= budget.calls * SHARE * 1.0001


def test_with_budget_to_spare_it_is_spread_over_half_of_its_period() -> None:
    assert between_reads(100, DAY, Budget.for_tier(Tier.STANDARD)) == DAY / 200


def listed(status: ImageStatus = ImageStatus.ACTIVE, name: str | None = "a.jpg") -> Listed:
    return Listed(ImageHash("aa"), name, status, None, None)


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
        (listed(ImageStatus.INTERNAL), "a.jpg", "ACTIVE", Difference.INTERNAL),
        (listed(ImageStatus.INTERNAL), "a.jpg", None, Difference.INTERNAL),
        (listed(ImageStatus.INTERNAL), "a.jpg", "INTERNAL", Difference.NONE),  # it was said
    ],
)
def test_what_differs(
    found: Listed | None, name: str | None, status: str | None, difference: Difference
) -> None:
    assert compare(found, name, status) is difference
