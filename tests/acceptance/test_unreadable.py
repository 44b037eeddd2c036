"""The real process and unreadable files: logged once, and with their duration at the end."""

import os
import re

import pytest
from support.pictures import picture
from support.privileges import without_privileges
from support.process import Daemon, running, syncd
from support.rig import Rig, until


async def await_scans(daemon: Daemon) -> None:
    """Wait for two more scans, the second of which began after this call."""
    before = daemon.count("scan.done")
    await until(lambda: daemon.count("scan.done") >= before + 2)


def seconds(daemon: Daemon, event: str) -> float:
    """Return the duration in the event that ends a state."""
    (line,) = (line for line in daemon.lines if f"event={event} " in line)
    found = re.search(r"duration=([\d.]+)", line)
    assert found, line
    return float(found[1])


@pytest.mark.parametrize(("what", "name"), [("file", "sub/a.jpg"), ("directory", "sub")])
async def test_an_unreadable_path_is_logged_once_and_its_duration_spans_a_restart(
    rig: Rig, what: str, name: str
) -> None:
    rig.watch = 'rescan = "1s"'
    denied = rig.write("sub/a.jpg", picture(1)) if what == "file" else rig.folder / "sub"
    rig.write("sub/b.jpg", picture(2))
    mode = denied.stat().st_mode
    denied.chmod(0)
    try:
        async with running(rig, under=without_privileges()) as daemon:
            await until(lambda: daemon.logged("level=error", f"event={what}.unreadable", name))
            await await_scans(daemon)
            assert daemon.count(f"{what}.unreadable") == 1
            assert await daemon.end() == 0
        async with running(rig, under=without_privileges()) as daemon:
            await await_scans(daemon)
            # A directory delays deletions and is logged again; a file affects only one image.
            assert daemon.count(f"{what}.unreadable") == (what == "directory")
            denied.chmod(mode)
            await until(lambda: daemon.logged("level=notice", f"event={what}.readable", name))
            await until(lambda: rig.recorded(picture(2)) is not None)
            await await_scans(daemon)
            assert seconds(daemon, f"{what}.readable") >= 2, "two scans of the previous process"
            assert daemon.count(f"{what}.readable") == 1
            assert await daemon.end() == 0
    finally:
        denied.chmod(mode)


async def test_deleted_files_are_no_longer_reported_as_unreadable(rig: Rig) -> None:
    rig.watch = 'rescan = "1s"'
    for number in (1, 2):
        rig.write(f"{number}.jpg", picture(number)).chmod(0)
    rig.write("good.jpg", picture(3))
    async with running(rig, under=without_privileges()) as daemon:
        await until(lambda: daemon.count("file.unreadable") == 2)
        status = ("status", "--config", str(rig.write_config()))
        assert "cannot read 2 files: permission denied" in (await syncd(rig, *status)).out
        (rig.folder / "1.jpg").unlink()
        (rig.folder / "2.jpg").unlink()
        await until(lambda: daemon.logged("files.missing", "files=2"))
        assert "needs you" not in (await syncd(rig, *status)).out


async def test_huge_files_are_not_read_and_delay_no_picture(rig: Rig) -> None:
    for number in range(2):
        with (rig.folder / f"huge-{number}.png").open("wb") as file:
            file.truncate(60 * 2**30)
    rig.write("good.jpg", picture(1))
    async with running(rig) as daemon:
        await until(lambda: daemon.count("level=error", "event=file.unreadable", "too large") == 2)
        await until(lambda: rig.recorded(picture(1)) is not None)
        os.truncate(rig.folder / "huge-0.png", 0)
        (rig.folder / "huge-0.png").write_bytes(picture(2))
        await until(lambda: rig.recorded(picture(2)) is not None)
        assert daemon.count("event=file.readable", "huge-0.png") == 1
        assert await daemon.end() == 0


async def test_a_file_that_was_renamed_while_syncd_was_down_is_not_logged_as_deleted(
    rig: Rig,
) -> None:
    old = rig.write("old.jpg", picture(1))
    async with running(rig) as daemon:
        await until(lambda: rig.recorded(picture(1)) is not None)
        await until(lambda: daemon.count("scan.done") > 0)
        assert await daemon.end() == 0
    os.rename(old, rig.folder / "new.jpg")
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("event=files.missing"))
        assert daemon.logged("event=files.missing", 'why="deleted, renamed or moved"')
        assert await daemon.end() == 0
