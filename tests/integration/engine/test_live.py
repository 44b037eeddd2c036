"""The daemon keeps an account in sync while its folder changes."""

import asyncio
import os
import sys
import time
from pathlib import Path

from support.pictures import picture
from support.rig import Rig, until

from syncd.model import AccountId
from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches


async def test_a_new_file_is_uploaded(rig: Rig) -> None:
    async with rig.running():
        content = picture(1)
        rig.write("new.jpg", content)
        await until(lambda: rig.recorded(content) is not None)


async def test_a_renamed_file_and_a_moved_directory_cost_no_call(rig: Rig) -> None:
    contents = [picture(1), picture(2)]
    rig.write("a/one.jpg", contents[0])
    rig.write("two.jpg", contents[1])
    async with rig.running():
        await until(lambda: all(rig.recorded(c) for c in contents))
        calls = rig.sandbox.counts.calls()
        (rig.folder / "two.jpg").rename(rig.folder / "three.jpg")
        (rig.folder / "a").rename(rig.folder / "b")
        await until(lambda: names(rig) == {b"three.jpg", b"b/one.jpg"})
        assert rig.sandbox.counts.calls() == calls


async def test_a_duplicate_costs_no_call_when_it_appears_and_when_it_is_deleted(rig: Rig) -> None:
    content = picture(1)
    rig.write("one.jpg", content)
    async with rig.running():
        await until(lambda: rig.recorded(content) is not None)
        calls = rig.sandbox.counts.calls()
        rig.write("twin.jpg", content)
        await until(lambda: b"twin.jpg" in names(rig))
        (rig.folder / "one.jpg").unlink()
        await until(lambda: names(rig) == {b"twin.jpg"})
        assert rig.sandbox.counts.calls() == calls
        assert rig.holds(content)


async def test_a_rewritten_file_is_uploaded_with_its_new_content(rig: Rig) -> None:
    old, new = picture(1), picture(2)
    rig.write("a.jpg", old)
    async with rig.running():
        await until(lambda: rig.recorded(old) is not None)
        rig.write("a.jpg", new)
        await until(lambda: rig.recorded(new) is not None)
        assert rig.holds(new)


async def test_a_file_is_uploaded_only_after_it_is_complete(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(tmp_path, sandbox, settle="400ms")
    content = picture(1, width=200, height=200)
    async with rig.running():
        with (rig.folder / "slow.jpg").open("wb") as file:
            for start in range(0, len(content), len(content) // 8):
                file.write(content[start : start + len(content) // 8])
                file.flush()
                await asyncio.sleep(0.1)  # the writer's pace, shorter than the settle time
        await until(lambda: rig.recorded(content) is not None)
    assert sandbox.counts.calls("1") == 1
    assert rig.rows("SELECT count(*) FROM image") == [(1,)]


async def test_a_missing_folder_is_uploaded_once_it_exists(rig: Rig) -> None:
    rig.folder.rmdir()
    content = picture(1)
    async with rig.running():
        await until(lambda: bool(rig.rows("SELECT 1 FROM folder")))
        rig.write("a.jpg", content)
        await until(lambda: rig.recorded(content) is not None)


async def test_a_burst_of_new_nested_directories_loses_no_image(rig: Rig) -> None:
    contents = [picture(i, width=8, height=8) for i in range(400)]
    async with rig.running():
        for i, content in enumerate(contents):
            rig.write(f"{i % 5}/{i % 7}/{i % 3}/{i}.jpg", content)
        await until(
            lambda: rig.rows("SELECT count(*) FROM replica WHERE hash IS NOT NULL") == [(400,)]
        )


async def test_a_throttle_pauses_one_account_and_lasts_across_a_restart(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(tmp_path, sandbox, accounts={"main": "1", "copy": "2"}, mirrors=("copy",), workers=1)
    sandbox.faults.add(Fault("80004", times=1, account="1", on="upload"))
    content, later = picture(1), picture(2)
    rig.write("a.jpg", content)
    async with rig.running():
        await until(lambda: rig.recorded(content, "2") is not None)
        await until(lambda: pauses(rig).keys() == {"1"})
        rig.write("b.jpg", later)
        await until(lambda: rig.recorded(later, "2") is not None)
    before = pauses(rig)["1"]
    assert before > time.time() + 40
    calls = sandbox.counts.calls("1")
    async with rig.running() as runtime:
        third = picture(3)
        rig.write("c.jpg", third)
        await until(lambda: rig.recorded(third, "2") is not None)
        assert runtime.engine.lanes[AccountId("1")].health.state.startswith("paused")
    assert sandbox.counts.calls("1") == calls == 1
    assert pauses(rig)["1"] == before


async def test_a_pause_ends_after_its_time(tmp_path: Path, sandbox: Sandbox) -> None:
    rig = Rig(tmp_path, sandbox)
    rig.per_account = 'budget = { window = "1500ms" }'
    sandbox.switches = Switches(
        tier="standard", time_scale=200, ad_account_usage="sent", regain="zero"
    )
    sandbox.faults.add(Fault("17", times=1, on="upload", seconds=1))
    contents = [picture(i) for i in range(30)]
    for i, content in enumerate(contents):
        rig.write(f"{i}.jpg", content)
    async with rig.running():
        await until(lambda: all(rig.recorded(c) for c in contents))
        await until(lambda: not pauses(rig))
    assert sandbox.counts.while_blocked("1") == 0
    assert sandbox.counts.errors("1").total() == 1


async def test_a_new_image_is_uploaded_before_a_backlog(tmp_path: Path, sandbox: Sandbox) -> None:
    rig = Rig(tmp_path, sandbox, workers=1, toml="[pack]\nimages = 1")
    sandbox.faults.add(Fault("slow", seconds=0.05, on="upload"))
    for i in range(120):
        rig.write(f"{i}.jpg", picture(i))
    fresh = picture(999)
    async with rig.running():
        await until(lambda: sandbox.counts.calls("1") > 3)
        rig.write("fresh.jpg", fresh)
        await until(lambda: rig.recorded(fresh) is not None)
        held = len(sandbox.library.images("1"))
    assert held < 60


async def test_a_file_that_changed_after_it_was_digested_is_never_sent_with_its_old_content(
    rig: Rig,
) -> None:
    old, new = picture(1), picture(2)
    path = rig.write("a.jpg", old)
    rig.sandbox.faults.add(Fault("1", times=3, on="upload"))
    async with rig.running():
        await until(lambda: rig.sandbox.counts.calls("1") > 0)
        path.write_bytes(new)
        await until(lambda: rig.recorded(new) is not None)
    assert not rig.holds(old)
    assert rig.holds(new)


async def test_the_retry_command_ends_a_stop_of_the_running_daemon(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("200", times=1))
    content = picture(1)
    rig.write("a.jpg", content)
    async with rig.running():
        await until(lambda: bool(pauses(rig)))
        await run_command(rig, "retry")
        await until(lambda: rig.recorded(content) is not None)
        await until(lambda: not pauses(rig))


async def test_a_folder_that_is_swapped_or_emptied_loses_no_held_image(rig: Rig) -> None:
    content = picture(1)
    rig.write("a.jpg", content)
    async with rig.running():
        await until(lambda: rig.recorded(content) is not None)
        rig.folder.rename(rig.path / "elsewhere")
        rig.folder.mkdir()
        other = picture(2)
        rig.write("b.jpg", other)
        await until(lambda: rig.recorded(other) is not None)
        assert rig.recorded(content) is not None
        assert rig.holds(content)


def names(rig: Rig) -> set[bytes]:
    rows = rig.rows(
        "SELECT directory.path, name FROM file JOIN directory ON directory.id = directory_id"
    )
    return {os.path.join(*(part for part in row if part)) for row in rows}


def pauses(rig: Rig) -> dict[str, float]:
    """Return the end of each pause in unix seconds, by account; 0 for a stop."""
    return dict(
        rig.rows("SELECT act, coalesce(until, 0) FROM pause JOIN account ON id = account_id")
    )


async def run_command(rig: Rig, *words: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "syncd", *words, "--config", str(rig.write_config()), env=rig.environ
    )
    assert await process.wait() == 0


async def test_a_new_file_does_not_wait_for_the_scan_of_its_folder(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(tmp_path, sandbox, workers=1)
    sandbox.faults.add(Fault("slow", seconds=0.05, on="upload"))
    for i in range(6000):
        rig.write(f"{i % 60}/{i}.jpg", picture(i, width=8, height=8))
    fresh = picture(99999)
    async with rig.running():
        await until(lambda: bool(rig.rows("SELECT 1 FROM file LIMIT 1")))
        rig.write("fresh.jpg", fresh)
        await until(lambda: rig.recorded(fresh) is not None)
        (known,) = rig.rows("SELECT count(*) FROM file")[0]
    assert known < 5000
