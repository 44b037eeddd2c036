"""An account's budget is used and never exceeded, by one process or by consecutive ones."""

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
from support.pictures import picture
from support.rig import Rig, until

from syncd.daemon.folders import declare
from syncd.folders.safe_open import stat_of
from syncd.ledger.database import open_ledger
from syncd.ledger.files import Content, Place, record_all
from syncd.model import Digest, FolderName, Stat
from syncd.rules.pacing.charge import UNCONFIRMED
from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches

SCALE = 100  # windows of 3 s and 36 s instead of 300 s and an hour
TIGHT = f'budget = {{ window = "{300 / SCALE}s", calls_window = "{3600 / SCALE}s" }}\nreserve = 0.0'
ONE_PER_POST = "[pack]\nimages = 1"
DEVELOPMENT = Switches(tier="development", time_scale=SCALE, regain="zero")


def fill(rig: Rig, count: int, first: int = 0) -> list[bytes]:
    contents = [picture(i, width=8, height=8) for i in range(first, first + count)]
    for i, content in enumerate(contents, first):
        rig.write(f"{i:04}.jpg", content)
    return contents


LEAKING = replace(DEVELOPMENT, decay="leak")


@pytest.mark.parametrize("switches", [DEVELOPMENT, LEAKING], ids=["window", "leak"])
async def test_a_backlog_larger_than_the_budget_is_never_throttled(
    tmp_path: Path, sandbox: Sandbox, switches: Switches
) -> None:
    sandbox.switches = switches
    rig = Rig(tmp_path, sandbox, toml=ONE_PER_POST, per_account=TIGHT)
    fill(rig, 50)  # two and a half windows of 20 writes
    assert (await rig.backfill()).in_sync
    assert sandbox.counts.errors("1").total() == 0
    assert sandbox.counts.while_blocked("1") == 0


UNTOUCHED = Switches(tier="development")
"""A development account in real time: 18 POSTs fit into its first 300 s."""


async def test_350_images_fit_into_the_first_window_of_a_development_account(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    sandbox.switches = UNTOUCHED
    rig = Rig(tmp_path, sandbox, per_account="")
    fill(rig, 350)
    assert (await rig.backfill()).in_sync
    assert sandbox.counts.calls("1", "upload") <= 18  # more would have waited for another window
    assert sandbox.counts.errors("1").total() == 0


async def test_a_daemon_brings_350_images_into_sync_within_the_first_window(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    sandbox.switches = UNTOUCHED
    rig = Rig(tmp_path, sandbox, per_account="")
    fill(rig, 350)
    held = "SELECT count(*) FROM replicas WHERE state = 'held'"
    async with rig.running():
        await until(lambda: rig.rows(held) == [(350,)])
    assert sandbox.counts.calls("1", "upload") <= 19  # fresh images may use half of the reserve
    assert sandbox.counts.errors("1").total() == 0


async def test_a_restart_remembers_that_each_image_is_charged(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    sandbox.switches = replace(DEVELOPMENT, charge="per_image")
    rig = Rig(tmp_path, sandbox, per_account=TIGHT)
    fill(rig, 30)
    assert (await rig.backfill()).in_sync
    assert sandbox.counts.errors("1").total() == 1
    ((until_,),) = rig.rows("SELECT images_charged_until FROM account")
    assert 0 < until_ - time.time() <= UNCONFIRMED
    fill(rig, 30, first=30)
    assert (await rig.backfill()).in_sync
    assert sandbox.counts.errors("1").total() == 1


async def test_an_account_that_charges_per_image_throttles_at_most_once(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    sandbox.switches = replace(DEVELOPMENT, charge="per_image", ad_account_usage="sent")
    rig = Rig(tmp_path, sandbox, per_account=TIGHT)
    fill(rig, 45)
    assert (await rig.backfill()).in_sync
    assert sandbox.counts.errors("1").total() <= 1
    assert sandbox.counts.while_blocked("1") == 0


async def test_a_restart_does_not_spend_the_same_budget_again(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    sandbox.switches = DEVELOPMENT
    rig = Rig(tmp_path, sandbox, toml=ONE_PER_POST, per_account=TIGHT)
    for start in range(0, 60, 15):
        fill(rig, 15, start)
        assert (await rig.backfill()).in_sync
    assert sandbox.counts.errors("1").total() == 0


async def test_the_tier_is_learned_from_the_headers_and_recorded(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    sandbox.switches = Switches(tier="standard")
    rig = Rig(tmp_path, sandbox, toml=ONE_PER_POST, per_account="")
    fill(rig, 60)  # three windows of a development account
    assert (await rig.backfill()).in_sync
    assert rig.rows("SELECT tier FROM account") == [("standard",)]


async def test_a_new_image_does_not_wait_for_a_backlog_of_many_windows(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    sandbox.switches = DEVELOPMENT
    rig = Rig(tmp_path, sandbox, toml=ONE_PER_POST, per_account=TIGHT)
    backlog = fill(rig, 200)  # ten windows
    fresh = picture(9999)
    async with rig.running():
        await until(lambda: len(sandbox.library.images("1")) > 10)
        rig.write("fresh.jpg", fresh)
        await until(lambda: rig.recorded(fresh) is not None)
        held = sum(rig.recorded(content) is not None for content in backlog)
    assert held < 60
    assert sandbox.counts.errors("1").total() == 0


async def record_files(rig: Rig, folder: str, files: Sequence[tuple[bytes, Stat, bytes]]) -> None:
    """Record files of a folder in the ledger, by name, stat and digest."""
    async with open_ledger(rig.ledger) as ledger:
        ids = await declare(rig.config(), ledger)
        place = partial(Place, ids[FolderName(folder)], b"")
        found = [
            (
                place(name),
                stat,
                Content(
                    digest=Digest(digest),
                    size=stat.size,
                    format="JPEG",
                    width=8,
                    height=8,
                    unfit=None,
                ),
            )
            for name, stat, digest in files
        ]
        for first in range(0, len(found), 5000):
            assert all(await ledger.write(record_all(found[first : first + 5000])))


async def test_a_lane_counts_the_missing_images_that_its_queue_does_not_hold(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(tmp_path, sandbox)
    content = [i.to_bytes(32, "big") for i in range(3000)]  # three times what a queue holds
    stat = Stat(device=1, inode=1, size=9, mtime_ns=9, ctime_ns=9)
    await record_files(rig, "spring", [(b"%d" % i, stat, d) for i, d in enumerate(content)])
    async with rig.auditing() as audit:
        lane = audit._lane
        async with asyncio.TaskGroup() as loops:
            feed = loops.create_task(lane.feed())
            await until(lambda: lane.queue.unread > 0)
            assert len(lane.queue) < 3000
            assert lane.missing == 3000
            feed.cancel()


async def test_failures_of_three_accounts_do_not_delay_the_others(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    accounts = {f"a{i:02}": str(100 + i) for i in range(50)}
    mirrors = tuple(name for name in accounts if name != "a00")
    big, away = tmp_path / "big", tmp_path / "away"  # a disk that is not mounted
    rig = Rig(
        tmp_path, sandbox, accounts=accounts, mirrors=mirrors, workers=1,
        toml=f'''
            [pack]
            images = 1
            [folders.big]
            path = "{big}"
            account = "a03"
            [folders.away]
            path = "{away}"
            account = "a03"
        ''',
    )  # fmt: skip
    sandbox.faults.add(Fault("80004", account="101", on="upload"))
    sandbox.faults.add(Fault("2", account="102", on="upload"))
    sandbox.faults.add(Fault("slow", seconds=0.2, account="103", on="upload"))
    big.mkdir()
    first = []  # more than a slow account takes before the deadline
    for i in range(200):
        name, content = b"%d.jpg" % i, picture(i, width=8, height=8)
        (big / os.fsdecode(name)).write_bytes(content)
        first.append((name, stat_of((big / os.fsdecode(name)).stat()), sha256(content).digest()))
    await record_files(rig, "big", first)
    last = [b"\xff" + i.to_bytes(31, "big") for i in range(100_000)]  # sorted last by digest
    await record_files(
        rig,
        "away",
        [
            (b"%d" % i, Stat(device=1, inode=i, size=9, mtime_ns=9, ctime_ns=9), d)
            for i, d in enumerate(last)
        ],
    )
    fresh = picture(9999)
    async with rig.running():
        await until(lambda: sandbox.counts.calls("103") > 2)
        rig.write("fresh.jpg", fresh)
        unaffected = [number for number in accounts.values() if number not in ("101", "102")]
        await until(lambda: all(rig.recorded(fresh, number) is not None for number in unaffected))
    [(missing,)] = rig.rows(
        "SELECT count(*) FROM replica JOIN account ON account.id = account_id"
        " WHERE act = '103' AND state = 'missing'"
    )
    assert missing > 100_000
