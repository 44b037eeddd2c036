"""The sandbox's budgets and usage headers, at times that the test chooses."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.sandbox.budgets import Budget, Cost, Leak, Meter, Window, cost, limits
from syncd.sandbox.switches import Switches
from syncd.sandbox.usage import account_headers, app_headers
from syncd.sandbox.values import AccountId, Kind

WRITE = Cost(points=3, calls=1, cpu=0)
DEVELOPMENT = Switches(tier="development")


def budget(switches: Switches = DEVELOPMENT) -> Budget:
    return Budget(limits(switches), switches.decay)


def writes(made: Budget, number: int, now: float = 0.0) -> list[str | None]:
    return [made.charge(now, WRITE, 0, "17") for _ in range(number)]


@pytest.mark.parametrize("decay", ["window", "leak"])
def test_the_development_tier_accepts_twenty_writes_and_blocks_the_next(decay: str) -> None:
    made = Budget(limits(DEVELOPMENT), decay)
    assert writes(made, 21) == [None] * 20 + ["17"]
    block = made.current_block(299)
    assert block is not None
    assert block.until == 300
    assert made.current_block(300) is None


def test_a_window_frees_a_budget_at_once_and_a_leak_evenly() -> None:
    window, leak = Window(300), Leak(300, 60)
    for meter in (window, leak):
        meter.spend(0, 60)
    assert [window.spent(t) for t in (0, 150, 299, 300)] == [60, 60, 60, 0]
    assert [leak.spent(t) for t in (0, 150, 299, 300)] == pytest.approx([60, 30, 0.2, 0])


@given(
    st.lists(st.tuples(st.floats(0, 100), st.integers(1, 9)), max_size=30),
    st.sampled_from(["window", "leak"]),
)
def test_an_amount_fits_at_the_time_that_was_computed_for_it(
    spendings: list[tuple[float, int]], kind: str
) -> None:
    meter: Meter = Window(300) if kind == "window" else Leak(300, 60)
    now = 0.0
    for pause, amount in spendings:
        now += pause
        meter.spend(now, amount)
    at = meter.free_at(now, 3, 60)
    assert at >= now
    assert meter.spent(at) + 3 <= 60 + 1e-6


def test_a_call_during_a_block_makes_it_longer() -> None:
    made = budget()
    writes(made, 21)
    block = made.current_block(10)
    assert block is not None
    made.extend(block)
    longer = made.current_block(10)
    assert longer is not None
    assert longer.until > block.until


def test_the_hourly_budget_grows_with_active_ads() -> None:
    hourly = Cost(points=0, calls=1, cpu=0)
    bare, busy = budget(), budget()
    assert [bare.charge(0, hourly, 0, "17") for _ in range(301)][-1] == "80004"
    assert [busy.charge(0, hourly, 1, "17") for _ in range(301)][-1] is None


def test_an_exceeded_cpu_budget_is_error_80004() -> None:
    made = budget()
    images = Cost(points=0, calls=1, cpu=40)
    assert [made.charge(0, images, 0, "17") for _ in range(3)] == [None, None, "80004"]


def test_a_time_scale_shortens_every_window() -> None:
    made = budget(Switches(tier="development", time_scale=100))
    assert writes(made, 21)[-1] == "17"
    assert writes(made, 1, now=3.01) == [None]


def test_the_unlimited_tier_never_blocks() -> None:
    made = budget(Switches(tier="unlimited", decay="leak"))
    assert writes(made, 50_000) == [None] * 50_000
    assert made.usage(0, 0).calls == 0


@pytest.mark.parametrize(
    ("charge", "images", "expected"),
    [("per_request", 25, Cost(3, 1, 0)), ("per_image", 25, Cost(75, 25, 0))],
)
def test_a_post_of_several_images_is_charged_by_request_or_by_image(
    charge: str, images: int, expected: Cost
) -> None:
    switches = Switches(charge="per_image" if charge == "per_image" else "per_request")
    assert cost(Kind.UPLOAD, "POST", images, switches) == expected


def test_a_read_costs_one_point_and_a_write_three() -> None:
    assert cost(Kind.LIST, "GET", 0, Switches()).points == 1
    assert cost(Kind.DELETE, "DELETE", 0, Switches()).points == 3


def test_the_usage_header_has_the_documented_shape_units_and_figures() -> None:
    made = budget()
    for _ in range(300):
        made.charge(0, Cost(points=0, calls=1, cpu=0), 0, "17")
    assert made.charge(1, Cost(points=0, calls=1, cpu=0), 0, "17") == "80004"
    headers = account_headers(AccountId("6799"), made.usage(1, 0), DEVELOPMENT)
    assert headers == {
        "X-Business-Use-Case-Usage": '{"6799":[{"type":"ads_management","call_count":100,'
        '"total_cputime":0,"total_time":0,"estimated_time_to_regain_access":60,'
        '"ads_api_access_tier":"development_access"}]}'
    }


@pytest.mark.parametrize(("regain", "minutes"), [("rounded_up", 2), ("rounded_down", 1)])
def test_minutes_to_regain_access_are_rounded_by_the_switch(regain: str, minutes: int) -> None:
    made = budget()
    made.block(0, "80004", 90)
    switches = Switches(regain="rounded_up" if regain == "rounded_up" else "rounded_down")
    header = account_headers(AccountId("1"), made.usage(0, 0), switches)
    usage = header["X-Business-Use-Case-Usage"]
    assert f'"estimated_time_to_regain_access":{minutes},' in usage


def test_a_block_by_the_score_is_reported_in_its_own_header_in_seconds() -> None:
    switches = Switches(tier="development", ad_account_usage="sent")
    made = budget(switches)
    writes(made, 21)
    headers = account_headers(AccountId("1"), made.usage(100, 0), switches)
    assert '"acc_id_util_pct":100.0,"reset_time_duration":200' in headers["X-Ad-Account-Usage"]
    assert '"estimated_time_to_regain_access":0' in headers["X-Business-Use-Case-Usage"]


def test_the_app_header_can_be_absent() -> None:
    assert app_headers(0.28, Switches())["X-App-Usage"].startswith('{"call_count":28')
    assert app_headers(0.28, Switches(app_usage="absent")) == {}


def test_usage_over_the_limit_is_reported_as_over_100_percent() -> None:
    window = Window(300)
    window.spend(0, 120)
    assert math.isclose(window.spent(0), 120)
