"""Sixteen shards of one app, each with its own ledger, meet the limit of the app."""

from contextlib import AsyncExitStack
from pathlib import Path

from support.pictures import picture
from support.rig import Rig, until

from syncd.config.shard import SHARD_VARIABLE
from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox

SHARDS, ACCOUNTS = 16, 4
NUMBERS = {f"a{number}": str(number) for number in range(1, SHARDS * ACCOUNTS + 1)}
PAUSES = "SELECT until FROM pause WHERE kind = 'app throttled'"


class OneShard(Rig):
    """The accounts of one shard."""

    shard = ""

    @property
    def environ(self) -> dict[str, str]:
        return {**super().environ, SHARD_VARIABLE: self.shard}


async def test_shards_of_an_app_at_its_limit_pause_every_account_and_resume_at_other_moments(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    """64 accounts with 10 images each: 64 calls meet the limit, one that each had under way."""
    sandbox.faults.add(Fault("4", on="upload", rate=0.5))
    sandbox.faults.add(Fault("341", on="upload"))
    rigs: list[OneShard] = []
    async with AsyncExitStack() as shards:
        for number in range(SHARDS):
            path = tmp_path / str(number)
            path.mkdir()
            rig = OneShard(path, sandbox, accounts=NUMBERS, mirrors=tuple(NUMBERS)[1:], workers=1)
            rig.shard = f"{number}/{SHARDS}"
            for one in range(10):
                rig.write(f"{one}.jpg", picture(one))
            await shards.enter_async_context(rig.running())
            rigs.append(rig)
        await until(lambda: sum(len(rig.rows(PAUSES)) for rig in rigs) == len(NUMBERS))
    assert SHARDS <= sandbox.counts.calls(kind="upload") <= len(NUMBERS)
    for rig in rigs:
        ends = [end for (end,) in rig.rows(PAUSES)]
        assert len(set(ends)) == len(ends)
