"""An account's budget is used and never overrun, by one process or by several in a row."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.pictures import picture
from support.rig import Rig, until

from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches

SCALE = 100  # windows of 3 s and 36 s instead of 300 s and an hour
TIGHT = f'budget = {{ window = "{300 / SCALE}s", calls_window = "{3600 / SCALE}s" }}\nreserve = 0.0'
ONE_A_POST = "[pack]\nimages = 1"
DEVELOPMENT = Switches(tier="development", time_scale=SCALE, regain="zero")


def fill(rig: Rig, count: int, first: int = 0) -> list[bytes]:
    contents = [picture(i, width=8, height=8) for i in range(first, first + count)]
    for i, content in enumerate(contents, first):
        rig.write(f"{i:04}.jpg", content)
    return contents


LEAKING = replace(DEVELOPMENT, decay="leak")


@pytest.mark.parametrize("switches", [DEVELOPMENT, LEAKING], ids=["window", "leak"])
async def test_a_backlog_larger_than_the_budget_meets_no_refusal(
    tmp_path: Path, sandbox: Sandbox, switches: Switches
) -> None:
    sandbox.switches = switches
    rig = Rig(tmp_path, sandbox, toml=ONE_A_POST, per_account=TIGHT)
    fill(rig, 50)  # two and a half windows of 20 writes
    assert (await rig.backfill()).in_step
    assert sandbox.counts.refusals("1").total() == 0
    assert sandbox.counts.while_blocked("1") == 0


async def test_a_post_that_costs_per_image_meets_no_refusal(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    sandbox.switches = replace(DEVELOPMENT, charge="per_image", ad_account_usage="sent")
    rig = Rig(tmp_path, sandbox, per_account=TIGHT)
    fill(rig, 45)
    assert (await rig.backfill()).in_step
    assert sandbox.counts.refusals("1").total() <= 1
    assert sandbox.counts.while_blocked("1") == 0


async def test_a_restart_does_not_spend_the_same_budget_again(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    sandbox.switches = DEVELOPMENT
    rig = Rig(tmp_path, sandbox, toml=ONE_A_POST, per_account=TIGHT)
    for start in range(0, 60, 15):
        fill(rig, 15, start)
        assert (await rig.backfill()).in_step
    assert sandbox.counts.refusals("1").total() == 0


async def test_the_tier_is_learnt_from_the_headers_and_remembered(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    sandbox.switches = Switches(tier="standard")
    rig = Rig(tmp_path, sandbox, toml=ONE_A_POST, per_account="")
    fill(rig, 60)  # three windows of a development account
    assert (await rig.backfill()).in_step
    assert rig.rows("SELECT tier FROM account") == [("standard",)]


async def test_a_fresh_image_does_not_wait_for_a_backlog_of_many_windows(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    sandbox.switches = DEVELOPMENT
    rig = Rig(tmp_path, sandbox, toml=ONE_A_POST, per_account=TIGHT)
    backlog = fill(rig, 200)  # ten windows
    fresh = picture(9999)
    async with rig.running():
        await until(lambda: len(sandbox.library.images("1")) > 10)
        rig.write("fresh.jpg", fresh)
        await until(lambda: rig.recorded(fresh) is not None)
        held = sum(rig.recorded(content) is not None for content in backlog)
    assert held < 60
    assert sandbox.counts.refusals("1").total() == 0


async def test_fifty_accounts_do_not_notice_the_trouble_of_three(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    accounts = {f"a{i:02}": str(100 + i) for i in range(50)}
    mirrors = tuple(name for name in accounts if name != "a00")
    rig = Rig(
        tmp_path, sandbox, accounts=accounts, mirrors=mirrors, workers=1,
        toml='[pack]\nimages = 1\n[folders.big]\npath = "' + str(tmp_path / "big") + '"\n'
        'account = "a03"',
    )  # fmt: skip
    sandbox.faults.add(Fault("80004", account="101", on="upload"))
    sandbox.faults.add(Fault("2", account="102", on="upload"))
    sandbox.faults.add(Fault("slow", seconds=0.2, account="103", on="upload"))
    (tmp_path / "big").mkdir()
    for i in range(1000):
        (tmp_path / "big" / f"{i}.jpg").write_bytes(picture(i, width=8, height=8))
    fresh = picture(9999)
    async with rig.running():
        await until(lambda: sandbox.counts.calls("103") > 2)
        rig.write("fresh.jpg", fresh)
        well = [number for number in accounts.values() if number not in ("101", "102")]
        await until(lambda: all(rig.recorded(fresh, number) is not None for number in well))
        assert len(sandbox.library.images("103")) < 500
