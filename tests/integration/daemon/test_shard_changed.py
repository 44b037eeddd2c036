"""A start with another shard than the ledger was last used as."""

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.pictures import picture
from support.rig import Rig

from syncd.config.shard import SHARD_VARIABLE, Shard
from syncd.daemon.folders import declare
from syncd.ledger import shards
from syncd.ledger.database import open_ledger
from syncd.model import AccountId
from syncd.sandbox.server import Sandbox

ACCOUNTS = {f"a{number}": str(number) for number in range(1, 7)}
OTHERS = [name for name, number in ACCOUNTS.items() if Shard(1, 2).has(AccountId(number))]


@pytest.fixture
def rig(tmp_path: Path, sandbox: Sandbox) -> Rig:
    rig = Rig(tmp_path, sandbox, accounts=ACCOUNTS, mirrors=tuple(ACCOUNTS)[1:])
    rig.write("1.jpg", picture(1))
    return rig


async def start(rig: Rig, shard: str, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Declare the configuration of a shard; return all events."""
    monkeypatch.setenv(SHARD_VARIABLE, shard)
    with capture_logs() as logs:
        async with open_ledger(rig.ledger) as ledger:
            await declare(rig.config(), ledger)
    return list(logs)


@pytest.mark.parametrize(("shard", "shown"), [("", None), ("0/1", "0/1")])
async def test_a_start_names_the_accounts_of_other_shards_once(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, shard: str, shown: str | None
) -> None:
    assert await start(rig, "0/2", monkeypatch) == []
    (event,) = await start(rig, shard, monkeypatch)
    assert event["accounts"] == OTHERS
    assert (event["before"], event["shard"]) == ("0/2", shown)
    assert await start(rig, shard, monkeypatch) == []


async def test_accounts_that_the_ledger_has_are_not_named(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.backfill()
    async with open_ledger(rig.ledger) as ledger:
        await ledger.write(shards.record(Shard(0, 2)))
    assert await start(rig, "", monkeypatch) == []


async def test_a_ledger_of_every_account_takes_none_over(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await start(rig, "", monkeypatch) == []
    assert await start(rig, "0/2", monkeypatch) == []


SHARDS = ("", "0/2", "1/2", "0/3", "1/3", "2/3")


@pytest.mark.parametrize("before", SHARDS)
async def test_another_shard_is_not_a_change_of_accounts_mirrors_or_folders(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    for number, name in enumerate(ACCOUNTS):
        rig.toml += f'[folders.f{number}]\npath = "{rig.path}/{number}"\naccount = "{name}"\n'
    for shard in SHARDS:
        await start(rig, before, monkeypatch)
        events = {line["event"] for line in await start(rig, shard, monkeypatch)}
        assert events <= {"shard.changed"}, shard


async def test_another_account_of_the_same_shard_is_a_change(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *mirrors = (name for name in ACCOUNTS if name not in OTHERS)
    rig.mirrors = tuple(mirrors)
    rig.accounts = {name: ACCOUNTS[name] for name in (first, *mirrors)}
    await start(rig, "0/2", monkeypatch)
    other = next(str(n) for n in range(50, 99) if Shard(0, 2).has(AccountId(str(n))))
    rig.accounts[first] = other
    events = {line["event"]: line for line in await start(rig, "0/2", monkeypatch)}
    assert set(events) == {"account.changed", "mirror.removed"}
    assert (events["account.changed"]["before"], events["account.changed"]["id"]) == (
        ACCOUNTS[first],
        other,
    )
