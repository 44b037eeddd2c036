"""The real process, and what it may not read: said once, and how long that was when it ends."""

import re

import pytest
from support.pictures import picture
from support.privileges import without_powers
from support.process import Daemon, running, syncd
from support.rig import Rig, until


async def scanned(daemon: Daemon) -> None:
    """Wait for whole scans that begin after now."""
    before = daemon.count("scan.done")
    await until(lambda: daemon.count("scan.done") >= before + 2)


def seconds(daemon: Daemon, event: str) -> float:
    """Return for how long a state lasted that ended."""
    (line,) = (line for line in daemon.lines if f"event={event} " in line)
    found = re.search(r"duration=([\d.]+)", line)
    assert found, line
    return float(found[1])


@pytest.mark.parametrize(("what", "name"), [("file", "sub/a.jpg"), ("directory", "sub")])
async def test_it_is_said_once_and_how_long_it_lasted_over_a_restart(
    rig: Rig, what: str, name: str
) -> None:
    rig.watch = 'rescan = "1s"'
    closed = rig.write("sub/a.jpg", picture(1)) if what == "file" else rig.folder / "sub"
    rig.write("sub/b.jpg", picture(2))
    mode = closed.stat().st_mode
    closed.chmod(0)
    try:
        async with running(rig, under=without_powers()) as daemon:
            await until(lambda: daemon.said("level=error", f"event={what}.unreadable", name))
            await scanned(daemon)
            assert daemon.count(f"{what}.unreadable") == 1
            assert await daemon.end() == 0
        async with running(rig, under=without_powers()) as daemon:
            await scanned(daemon)
            # A directory holds back deletions; a file is one image, as one that was rejected is.
            assert daemon.count(f"{what}.unreadable") == (what == "directory")
            closed.chmod(mode)
            await until(lambda: daemon.said("level=notice", f"event={what}.readable", name))
            await until(lambda: rig.recorded(picture(2)) is not None)
            await scanned(daemon)
            assert seconds(daemon, f"{what}.readable") >= 2, "two scans of the process before"
            assert daemon.count(f"{what}.readable") == 1
            assert await daemon.end() == 0
    finally:
        closed.chmod(mode)


async def test_files_that_go_take_their_trouble_with_them(rig: Rig) -> None:
    rig.watch = 'rescan = "1s"'
    for number in (1, 2):
        rig.write(f"{number}.jpg", picture(number)).chmod(0)
    rig.write("good.jpg", picture(3))
    async with running(rig, under=without_powers()) as daemon:
        await until(lambda: daemon.count("file.unreadable") == 2)
        asked = ("status", "--config", str(rig.write_config()))
        assert "cannot read 2 files: permission denied" in (await syncd(rig, *asked)).out
        (rig.folder / "1.jpg").unlink()
        (rig.folder / "2.jpg").unlink()
        await until(lambda: daemon.said("files.missing", "files=2"))
        assert "needs you" not in (await syncd(rig, *asked)).out
