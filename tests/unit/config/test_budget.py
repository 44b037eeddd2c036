"""What the configuration says of an account's budget, and how it is told that it cannot be."""

from pathlib import Path

import pytest

from syncd.config import AccountConfig, Budget, ConfigError, Tier
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
DURATION = 'write a number and ms, s, m, h or d, such as "2s", "15m"; from'
SHARE = "write a share from 0 to less than 1, without quotes, such as 0.1 for a tenth"


def main(lines: str) -> AccountConfig:
    config = loads(FILE.format(lines=lines), Path("/etc/syncd/config.toml"), {})
    return config.accounts[AccountName("main")]


def problems(lines: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        main(lines)
    return [f"{p.key}: {p.wrong} | {p.write}" for p in caught.value.problems]


def test_without_a_word_the_tier_is_learnt_and_a_tenth_is_left_to_people() -> None:
    account = main("")
    assert (account.tier, account.budget, account.reserve) == (None, Budget(), 0.1)


def test_a_tier_is_written_as_the_rules_call_it() -> None:
    assert main('tier = "development"').tier is Tier.DEVELOPMENT
    assert main('tier = "standard"').tier is Tier.STANDARD
    assert [tier.value for tier in Tier] == [tier.value for tier in rules.Tier]


def test_a_budget_is_written_whole_or_in_part() -> None:
    whole = 'budget = { points = 60, window = "300s", calls = 300, calls_window = "1h" }'
    assert main(whole).budget == Budget(60, 300, 300, 3600)
    assert main("budget = { calls = 5000 }").budget == Budget(calls=5000)
    assert main('[accounts.main.budget]\nwindow = "3s"').budget == Budget(window=3)


@pytest.mark.parametrize(("written", "reserve"), [("0", 0), ("0.0", 0), ("0.25", 0.25)])
def test_a_reserve_is_a_share(written: str, reserve: float) -> None:
    assert main(f"reserve = {written}").reserve == reserve


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (
            'tier = "full"',
            'accounts.main.tier: is "full" | write one of "development", "standard"',
        ),
        (
            "tier = 1",
            'accounts.main.tier: is the number 1 | write one of "development", "standard"',
        ),
        ("reserve = 1", f"accounts.main.reserve: is 1 | {SHARE}"),
        ("reserve = -0.1", f"accounts.main.reserve: is -0.1 | {SHARE}"),
        ("reserve = nan", f"accounts.main.reserve: is nan | {SHARE}"),
        ("reserve = true", f"accounts.main.reserve: is true, not a share | {SHARE}"),
        ('reserve = "10%"', f"accounts.main.reserve: is a text, not a share | {SHARE}"),
        (
            "budget = 60",
            "accounts.main.budget: is the number 60, not a table | write [accounts.main.budget]",
        ),
        (
            "budget = { points = 2 }",
            (
                "accounts.main.budget.points: is 2"
                " | write a number from 3 to 1000000, without quotes"
            ),
        ),
        (
            'budget = { calls = "300" }',
            (
                "accounts.main.budget.calls: is a text, not a whole number"
                " | write a number from 1 to 10000000, without quotes"
            ),
        ),
        (
            "budget = { window = 300 }",
            (
                "accounts.main.budget.window: is the number 300, and its unit is not known"
                f" | {DURATION} 100ms to 1d"
            ),
        ),
        (
            'budget = { calls_window = "8d" }',
            f'accounts.main.budget.calls_window: is "8d", out of range | {DURATION} 100ms to 7d',
        ),
        (
            "budget = { point = 60 }",
            (
                "accounts.main.budget.point: is not known here"
                " | did you mean points? Known are points, window, calls, calls_window"
            ),
        ),
        (
            "reserv = 0.1",
            (
                "accounts.main.reserv: is not known here | did you mean reserve?"
                " Known are id, workers, token, app_secret, tier, budget, reserve"
            ),
        ),
    ],
)
def test_a_mistake_gets_its_sentence(lines: str, problem: str) -> None:
    assert problems(lines) == [problem]
