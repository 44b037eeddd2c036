"""Several machines, each with its own ledger and a part of the accounts."""

import json
from pathlib import Path

import pytest
from support.pictures import picture
from support.process import Ended, syncd
from support.rig import Rig

from syncd.config.shard import Shard
from syncd.model import AccountId
from syncd.sandbox.server import Sandbox

ACCOUNTS = {f"a{number}": str(number) for number in range(1, 7)}
FIRST = {n for n in ACCOUNTS.values() if Shard(0, 2).has(AccountId(n))}


@pytest.fixture
def rig(tmp_path: Path, sandbox: Sandbox) -> Rig:
    """A folder that feeds six accounts."""
    rig = Rig(tmp_path, sandbox, accounts=ACCOUNTS, mirrors=tuple(ACCOUNTS)[1:])
    own, *_ = ACCOUNTS
    assert own == "a1"
    rig.write("1.jpg", picture(1))
    return rig


async def backfill(rig: Rig, shard: str, ledger: str) -> Ended:
    file = rig.write_config()
    file.write_text(file.read_text().replace(str(rig.ledger), str(rig.path / ledger)))
    return await syncd(rig, "backfill", "--shard", shard, "--json", "--config", str(file))


def holding(rig: Rig) -> set[str]:
    return {number for number in ACCOUNTS.values() if rig.holds(picture(1), number)}


async def test_two_machines_have_every_account_between_them_and_none_twice(rig: Rig) -> None:
    assert 0 < len(FIRST) < len(ACCOUNTS)
    ended = await backfill(rig, "0/2", "first.db")
    assert ended.code == 0, ended.err
    assert holding(rig) == FIRST
    calls = {number: rig.sandbox.counts.calls(number) for number in FIRST}
    ended = await backfill(rig, "1/2", "second.db")
    assert ended.code == 0, ended.err
    shown = json.loads(ended.out)["accounts"]
    assert {ACCOUNTS[name] for name in shown} == set(ACCOUNTS.values()) - FIRST
    assert holding(rig) == set(ACCOUNTS.values())
    assert {number: rig.sandbox.counts.calls(number) for number in FIRST} == calls

    refused = await backfill(rig, "0/2", "second.db")
    assert refused.code == 78
    assert "accounts that do not belong to shard 0/2" in refused.err
    assert all(f"act_{number} (1/2)" in refused.err for number in set(ACCOUNTS.values()) - FIRST)
    again = await backfill(rig, "1/2", "second.db")
    assert again.code == 0, "the start that was refused has changed the ledger"
    assert {number: rig.sandbox.counts.calls(number) for number in FIRST} == calls


async def test_a_word_that_is_not_a_shard_is_wrong_usage(rig: Rig) -> None:
    ended = await backfill(rig, "2/2", "ledger.db")
    assert ended.code == 2
    assert "write K/N" in ended.err


async def test_a_moved_account_is_not_sent_again_by_its_new_machine(rig: Rig) -> None:
    assert (await backfill(rig, "0/1", "first.db")).code == 0
    calls = {number: rig.sandbox.counts.images(number) for number in ACCOUNTS.values()}
    assert (await backfill(rig, "0/2", "first.db")).code == 78
    file, second = str(rig.path / "config.toml"), str(rig.path / "second.db")
    for number in set(ACCOUNTS.values()) - FIRST:
        ended = await syncd(
            rig, "ledger", "move", f"act_{number}", "--to", second, "--config", file
        )
        assert ended.code == 0, ended.err
    for shard, ledger in (("0/2", "first.db"), ("1/2", "second.db")):
        ended = await backfill(rig, shard, ledger)
        assert ended.code == 0, ended.err
        assert (await syncd(rig, "ledger", "check", "--config", file)).code == 0
    assert {number: rig.sandbox.counts.images(number) for number in ACCOUNTS.values()} == calls
