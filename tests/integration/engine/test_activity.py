"""The figures of each account over time: calls and images as the account has counted them."""

import time
from pathlib import Path

from support.pictures import picture
from support.rig import Rig

from syncd.engine.reconcile import Grace, Reconcile
from syncd.ledger import accounts, folders
from syncd.ledger.accounts import Pause
from syncd.ledger.database import open_ledger
from syncd.model import AccountId, Deletions, FolderName, HoldAbove
from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches

FOUND = """
SELECT act, sum(calls), sum(throttled), sum(uploaded), sum(copied)
FROM activity JOIN account ON account.id = account_id
GROUP BY act
"""


async def test_the_figures_are_those_that_the_accounts_have_counted(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(tmp_path, sandbox, accounts={"main": "1", "eu": "2"}, mirrors=("eu",))
    sandbox.switches, rig.per_account = Switches(tier="development"), ""
    rig.per_folder = 'copy = "copy"'
    for number in range(3):
        rig.write(f"{number}.jpg", picture(number))
    assert (await rig.backfill()).in_sync
    calls = [sandbox.counts.calls(one) for one in "12"]
    assert rig.rows(FOUND) == [("1", calls[0], 0, 3, 0), ("2", calls[1], 0, 0, 3)]
    budget = "SELECT max(budget) FROM activity GROUP BY account_id"
    assert all(0 < share <= 1000 for (share,) in rig.rows(budget))


async def test_a_throttled_call_is_counted_as_such(tmp_path: Path, sandbox: Sandbox) -> None:
    rig = Rig(tmp_path, sandbox, per_account='budget = { window = "1500ms" }')
    sandbox.switches = Switches(
        tier="standard", time_scale=200, ad_account_usage="sent", regain="zero"
    )
    sandbox.faults.add(Fault("17", times=1, on="upload", seconds=1))
    rig.write("a.jpg", picture(1))
    assert (await rig.backfill()).in_sync
    assert rig.rows(FOUND) == [("1", sandbox.counts.calls("1"), 1, 1, 0)]


async def test_a_daemon_records_that_it_runs_and_how_long_an_account_is_stopped(
    tmp_path: Path,
) -> None:
    one, path = AccountId("1"), tmp_path / "ledger.db"
    stop = Pause(kind="token", why="190", since=time.time(), until=None, consecutive=1)
    async with open_ledger(path) as ledger:
        await ledger.write(
            folders.declare(FolderName("spring"), b"/spring", [one], Deletions.PROPAGATE)
        )
        await ledger.write(accounts.pause([one], stop))
        reconcile = Reconcile(ledger, Grace(60.0, HoldAbove(2, 0.1)), 60.0)
        rig = Rig(tmp_path, Sandbox())
        deadline = time.monotonic() + 10
        while not rig.rows("SELECT 1 FROM activity WHERE blocked = 1"):
            assert time.monotonic() < deadline
            await reconcile.run_once()
        assert rig.rows("SELECT count(*) BETWEEN 1 AND 2 FROM daemon_hour") == [(1,)]
