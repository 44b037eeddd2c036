"""A daemon whose files change for a long time does not crash or grow, and catches up afterwards.

`EXPLORE=1 SECONDS=900 pytest -s tests/acceptance/test_churn.py` runs 15 minutes of 30 operations/s
and an hour in which a day passes (HOUR=150: seconds for each of its hours). It prints a sample
every few seconds; tests/bench/README.md, "Long runs", has the tables.
"""

import os
from pathlib import Path

import pytest
from support.day import Day
from support.long_run import LongRun, Sample, Times, mean
from support.settled import check_ledger

from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches

EXPLORE = "EXPLORE" in os.environ
SECONDS = float(os.environ.get("SECONDS", "900" if EXPLORE else "8"))
HOUR = float(os.environ.get("HOUR", "150"))

RATE = 30.0  # operations per second

SETTLED_WITHIN = 120.0  # seconds after the last operation

LARGER = 1.1
"""How much larger a figure may be in the last third of a run than in the middle one."""


def assert_flat(samples: list[Sample], seconds: float) -> None:
    """Compare what the daemon used in the last third of a run with the middle third."""
    middle = [one for one in samples if seconds / 3 < one.at <= 2 * seconds / 3]
    last = [one for one in samples if 2 * seconds / 3 < one.at <= seconds]
    for figure in ("memory", "own", "descriptors", "threads", "wal"):
        assert mean(last, figure) <= LARGER * mean(middle, figure), figure


@pytest.mark.timeout(SECONDS + 4 * SETTLED_WITHIN)
async def test_accounts_equal_a_folder_soon_after_it_has_changed_fast(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    for name in ("1", "2", "reset_before", "reset_after", "html502"):
        for kind in ("upload", "copy"):
            sandbox.faults.add(Fault(name, rate=0.003, on=kind))
    times = Times(settle=0.2, rescan=10.0, grace=2.0, audit=60.0, stats=5.0, scale=10.0)
    run = LongRun(tmp_path, sandbox, times, names=60)
    async with run.process(), run.sampled(5.0):
        await run.operate(RATE, SECONDS)
        sandbox.faults.clear()
        print(f"settled after {await run.settle(SETTLED_WITHIN):.0f} s")
    if EXPLORE:
        assert_flat(run.samples, SECONDS)
    await check_ledger(run.rig)


@pytest.mark.skipif(not EXPLORE, reason="EXPLORE=1: it takes an hour")
@pytest.mark.timeout(24 * HOUR + 1200)
async def test_accounts_equal_a_folder_after_a_day_of_changes_and_faults(tmp_path: Path) -> None:
    scale = 3600 / HOUR
    times = Times(
        settle=2 / scale,
        rescan=900 / scale,
        grace=3600 / scale,
        audit=6 * 3600 / scale,
        stats=max(1.0, 60 / scale),
        scale=scale,
    )
    async with Sandbox(Switches(tier="standard", time_scale=scale)) as sandbox:
        run = LongRun(tmp_path, sandbox, times, names=60)
        async with run.sampled(HOUR / 10):
            await Day(run, HOUR).pass_by()
            sandbox.faults.clear()
            async with run.process():
                print(f"settled after {await run.settle(times.grace + SETTLED_WITHIN):.0f} s")
        await check_ledger(run.rig)
