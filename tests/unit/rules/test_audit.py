"""How an audit is spread over its period, and which differences it finds."""

import pytest

from syncd.model import ImageHash, ImageStatus, Listed
from syncd.rules.audit import (
    CONFIRM_AFTER,
    MASS,
    MAX_SHARE,
    Belief,
    Difference,
    believe,
    compare,
    next_response,
    read_interval,
)
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


@pytest.mark.parametrize("compared", range(13))
@pytest.mark.parametrize("accepted", [False, True])
@pytest.mark.parametrize("suspect_for", [None, -1.0, 0.0, CONFIRM_AFTER - 1, CONFIRM_AFTER, DAY])
def test_half_of_five_or_more_images_are_gone_only_once_that_is_confirmed(
    compared: int, suspect_for: float | None, accepted: bool
) -> None:
    for absent in range(compared + 1):
        belief = believe(absent, compared, suspect_for=suspect_for, accepted=accepted)
        if compared < 5 or absent < compared / 2:
            assert belief is Belief.USUAL
        elif accepted or suspect_for in (CONFIRM_AFTER, DAY):
            assert belief is Belief.BELIEVED
        else:
            assert belief is Belief.SUSPECT


@pytest.mark.parametrize("images", [1, 4, 5, 49, 50, 51, 54, 55, 56, 100, 101, 149, 1234])
def test_no_response_has_too_few_images_to_be_judged_unless_it_is_the_only_one(
    images: int,
) -> None:
    sizes = list[int]()
    while (left := images - sum(sizes)) > 0:
        sizes.append(next_response(min(left, 50 + MASS), 50))
    assert sum(sizes) == images
    assert max(sizes) <= 50
    assert len(sizes) == -(-images // 50)
    assert min(sizes) >= MASS or len(sizes) == 1
