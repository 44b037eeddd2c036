"""An account's tier, budget and reserve in the configuration."""

import pytest
from support.config_text import PATH, duration_fix, integer_fix, sentences

from syncd.config import AccountConfig, Budget, Tier
from syncd.config.load import loads
from syncd.model import AccountName
from syncd.rules.pacing import budget as rules

FILE = """
ledger.path = "/l.db"
[graph]
token = {{ env = "SYNCD_TOKEN" }}
[accounts.main]
id = "act_1"
{lines}
[folders.spring]
path = "/srv/spring"
account = "main"
"""
SHARE = "write a number from 0 to less than 1, without quotes, such as 0.1 for 10 %"
TIERS = 'write one of "development", "standard"'


def main(lines: str) -> AccountConfig:
    return loads(FILE.format(lines=lines), PATH, {}).accounts[AccountName("main")]


def test_by_default_the_tier_is_unknown_and_the_reserve_is_a_tenth() -> None:
    account = main("")
    assert (account.tier, account.budget, account.reserve) == (None, Budget(), 0.1)


def test_a_tier_is_written_by_the_name_that_the_rules_use() -> None:
    assert main('tier = "development"').tier is Tier.DEVELOPMENT
    assert main('tier = "standard"').tier is Tier.STANDARD
    assert [tier.value for tier in Tier] == [tier.value for tier in rules.Tier]


def test_a_budget_can_be_written_in_part() -> None:
    whole = 'budget = { points = 60, window = "300s", calls = 300, calls_window = "1h" }'
    assert main(whole).budget == Budget(60, 300, 300, 3600)
    assert main("budget = { calls = 5000 }").budget == Budget(calls=5000)
    assert main('[accounts.main.budget]\nwindow = "3s"').budget == Budget(window=3)


@pytest.mark.parametrize(("written", "reserve"), [("0", 0), ("0.0", 0), ("0.25", 0.25)])
def test_a_reserve_is_a_share_of_the_budget(written: str, reserve: float) -> None:
    assert main(f"reserve = {written}").reserve == reserve


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (
            'tier = "full"',
            f'accounts.main.tier: "full" is not a known value | {TIERS}',
        ),
        (
            "tier = 1",
            f"accounts.main.tier: expected a string, got the integer 1 | {TIERS}",
        ),
        ("reserve = 1", f"accounts.main.reserve: 1 is out of range | {SHARE}"),
        ("reserve = -0.1", f"accounts.main.reserve: -0.1 is out of range | {SHARE}"),
        ("reserve = nan", f"accounts.main.reserve: nan is out of range | {SHARE}"),
        (
            "reserve = true",
            f"accounts.main.reserve: expected a float, got the boolean true | {SHARE}",
        ),
        ('reserve = "10%"', f"accounts.main.reserve: expected a float, got a string | {SHARE}"),
        (
            "budget = 60",
            (
                "accounts.main.budget: expected a table, got the integer 60"
                " | write [accounts.main.budget]"
            ),
        ),
        (
            "budget = { points = 2 }",
            f"accounts.main.budget.points: 2 is out of range | {integer_fix(3, 1_000_000)}",
        ),
        (
            'budget = { calls = "300" }',
            (
                "accounts.main.budget.calls: expected an integer, got a string"
                f" | {integer_fix(1, 10_000_000)}"
            ),
        ),
        (
            "budget = { window = 300 }",
            (
                "accounts.main.budget.window: expected a string with a unit, got the integer 300"
                f" | {duration_fix('100ms', '1d')}"
            ),
        ),
        (
            'budget = { calls_window = "8d" }',
            (
                'accounts.main.budget.calls_window: "8d" is out of range'
                f" | {duration_fix('100ms', '7d')}"
            ),
        ),
        (
            "budget = { point = 60 }",
            (
                "accounts.main.budget.point: is not a known key"
                " | did you mean points? The known keys are points, window, calls, calls_window"
            ),
        ),
        (
            "reserv = 0.1",
            (
                "accounts.main.reserv: is not a known key | did you mean reserve?"
                " The known keys are id, workers, token, app_secret, tier, budget, reserve"
            ),
        ),
    ],
)
def test_a_mistake_is_reported_by_one_sentence(lines: str, problem: str) -> None:
    assert sentences(FILE.format(lines=lines)) == [problem]
