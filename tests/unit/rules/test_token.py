"""When a token is reported: before it expires, and when it lacks a permission."""

import pytest

from syncd.rules.token import DAY, expiry, missing_scopes, notice

NOW = 1_774_346_400.0


@pytest.mark.parametrize(
    ("times", "first"),
    [
        ((), None),
        ((None, None), None),
        ((0, 0), None),
        ((0, None), None),
        ((5.0, 0), 5.0),
        ((None, 7.0), 7.0),
        ((9.0, 7.0), 7.0),
        ((7.0, 9.0), 7.0),
    ],
)
def test_a_token_expires_at_the_first_time_that_is_not_zero(
    times: tuple[float | None, ...], first: float | None
) -> None:
    assert expiry(*times) == first


@pytest.mark.parametrize(
    ("days", "reached"),
    [
        (1000, None),
        (14.001, None),
        (14, 14),
        (7.001, 14),
        (7, 7),
        (2.001, 7),
        (2, 2),
        (0.001, 2),
        (0, 2),
        (-3, 2),
    ],
)
def test_a_token_is_reported_14_7_and_2_days_before_it_expires(
    days: float, reached: int | None
) -> None:
    assert notice(NOW + days * DAY, NOW) == reached


def test_a_token_without_expiry_is_not_reported() -> None:
    assert notice(None, NOW) is None


@pytest.mark.parametrize(
    ("granted", "missing"),
    [
        ((), ("ads_management",)),
        (("ads_read", "business_management"), ("ads_management",)),
        (("ads_management",), ()),
        (("ads_management", "ads_read"), ()),
    ],
)
def test_a_token_needs_the_permission_to_manage_ads(
    granted: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    assert missing_scopes(granted) == missing
