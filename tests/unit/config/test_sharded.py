"""The part of a configuration that one of several machines works on."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from syncd.config import Config, ConfigError
from syncd.config.load import loads
from syncd.config.shard import SHARD_VARIABLE, shard_of
from syncd.model import AccountId

IDS = ("1", "1234567890", "1002", "98765432101234", "7", "8", "9")


def read(shard: str, environ: Mapping[str, str] = {}) -> Config:
    accounts = "".join(f'[accounts.a{digits}]\nid = "{digits}"\n' for digits in IDS)
    mirrors = ", ".join(f'"a{digits}"' for digits in IDS[1:])
    text = f"""
        [graph]
        token = {{ file = "/etc/syncd/token" }}
        [ledger]
        path = "/var/lib/syncd/ledger.db"
        {shard}
        {accounts}
        [folders.all]
        path = "/srv/all"
        account = "a{IDS[0]}"
        mirrors = [{mirrors}]
        [folders.last]
        path = "/srv/last"
        account = "a{IDS[-1]}"
    """
    return loads(text, Path("/etc/syncd/config.toml"), environ)


def routes(config: Config) -> dict[str, tuple[AccountId, ...]]:
    return {str(name): config.routes(folder) for name, folder in config.folders.items()}


def test_a_configuration_without_a_shard_has_every_account() -> None:
    assert [account.id for account in read("").accounts.values()] == list(IDS)


@pytest.mark.parametrize("of", [1, 2, 3, 20])
def test_the_shards_have_every_route_between_them_and_none_twice(of: int) -> None:
    whole = routes(read(""))
    parts = [read(f'shard = "{number}/{of}"') for number in range(of)]
    for name, accounts in whole.items():
        found = [account for part in parts for account in routes(part).get(name, ())]
        assert sorted(found) == sorted(accounts)
    names = [name for part in parts for name in part.accounts]
    assert sorted(names) == sorted(read("").accounts)


@pytest.mark.parametrize("number", range(3))
def test_a_folder_feeds_the_accounts_of_the_shard_in_their_order(number: int) -> None:
    fed = tuple(digits for digits in IDS if shard_of(AccountId(digits), 3) == number)
    assert routes(read(f'shard = "{number}/3"')).get("all", ()) == fed


def test_a_folder_that_feeds_no_account_of_the_shard_is_left_out() -> None:
    other = 1 - shard_of(AccountId(IDS[-1]), 2)
    assert "last" not in read(f'shard = "{other}/2"').folders


@pytest.mark.parametrize("value", ['"3/3"', '"1"', "1", '"0/1001"'])
def test_a_value_that_is_not_a_shard_is_reported(value: str) -> None:
    with pytest.raises(ConfigError, match=r"ledger\.shard"):
        read(f"shard = {value}")


def test_the_environment_replaces_the_shard_of_the_file() -> None:
    assert str(read('shard = "0/3"', {SHARD_VARIABLE: "1/2"}).ledger.shard) == "1/2"


def test_a_variable_that_is_not_a_shard_is_reported() -> None:
    with pytest.raises(ConfigError, match=r'SYNCD_SHARD: "a" is not a shard'):
        read("", {SHARD_VARIABLE: "a"})
