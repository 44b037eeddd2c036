"""Which shard an account belongs to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.config.shard import Shard, parse, shard_of
from syncd.model import AccountId

ACCOUNTS = [AccountId(str(1_000_000_000 + 7919 * number)) for number in range(3000)]

FIXED = [[0, 0, 0, 0], [0, 1, 0, 0], [2, 2, 0, 0], [8, 9, 15, 10]]
"""By the number of shards, then by account; a ledger in use depends on each figure."""


def test_each_account_keeps_its_shard_across_versions() -> None:
    accounts = [AccountId(digits) for digits in ("1", "1234567890", "1002", "98765432101234")]
    assert [[shard_of(account, of) for account in accounts] for of in (1, 2, 3, 16)] == FIXED


@pytest.mark.parametrize("of", [2, 3, 7, 16])
def test_shards_have_about_as_many_accounts_as_each_other(of: int) -> None:
    counts = [0] * of
    for account in ACCOUNTS:
        counts[shard_of(account, of)] += 1
    share = len(ACCOUNTS) / of
    assert 0.75 * share < min(counts) <= max(counts) < 1.25 * share


@pytest.mark.parametrize("of", [1, 2, 3, 15])
def test_one_more_shard_moves_its_share_of_the_accounts_and_only_to_it(of: int) -> None:
    moved = [shard_of(a, of + 1) for a in ACCOUNTS if shard_of(a, of) != shard_of(a, of + 1)]
    share = len(ACCOUNTS) / (of + 1)
    assert set(moved) == {of}
    assert 0.75 * share < len(moved) < 1.25 * share


@given(st.integers(1, 10**20 - 1), st.integers(1, 40))
def test_each_account_belongs_to_exactly_one_shard(digits: int, of: int) -> None:
    account = AccountId(str(digits))
    assert [Shard(number, of).has(account) for number in range(of)].count(True) == 1


@pytest.mark.parametrize("text", ["0/1", "0/3", "2/3", "999/1000"])
def test_a_shard_is_written_as_its_number_and_their_count(text: str) -> None:
    assert str(parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "1", "3/3", "-1/3", "0/0", "0/1001", "a/b", "1/2/3", " 0/3", "0/3\n", "٠/٣"]
)
def test_any_other_text_is_not_a_shard(text: str) -> None:
    assert parse(text) is None
