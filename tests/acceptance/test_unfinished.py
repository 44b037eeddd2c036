"""The real process and unfinished files: they wait, are visible, and delay no other file."""

import json
import os
from functools import partial
from pathlib import Path

from support.pictures import picture
from support.privileges import without_privileges
from support.process import Daemon, running, syncd
from support.rig import Rig, until

from syncd.images.unfinished import Unfinished

WHOLE = {
    "empty.jpg": picture(1, width=200, height=100),
    "hole.png": picture(2, "PNG", 200, 100),
    "zeros.gif": picture(3, "GIF", 200, 100),
}


def begin(path: Path, data: bytes) -> None:
    """Write a file as a copy that has stalled leaves it, in the way that its name states."""
    with path.open("wb") as file:
        if path.stem == "hole":
            file.truncate(200_000)
            file.seek(200_000 - 5000)
            file.write(data[-5000:])
        elif path.stem == "zeros":
            file.write(data[:-8000] + bytes(8000))


def is_recorded(rig: Rig, data: bytes) -> bool:
    return rig.recorded(data) is not None


async def shown(rig: Rig, *words: str, code: int = 0) -> str:
    ended = await syncd(rig, *words, "--config", str(rig.write_config()))
    assert ended.code == code, ended.err
    return " ".join(ended.out.split())


async def await_scans(daemon: Daemon) -> None:
    """Wait for two more scans, the second of which began after this call."""
    before = daemon.count("scan.done")
    await until(lambda: daemon.count("scan.done") >= before + 2)


async def test_unfinished_files_wait_and_delay_no_other(rig: Rig) -> None:
    rig.watch = 'rescan = "1s"'
    for name, data in WHOLE.items():
        begin(rig.folder / name, data)
    rig.write("good.jpg", picture(9))
    async with running(rig) as daemon:
        await until(lambda: rig.recorded(picture(9)) is not None)
        for name in WHOLE:
            await until(partial(daemon.logged, "level=info event=file.unfinished", name))
        await await_scans(daemon)
        assert daemon.count("file.unfinished") == len(WHOLE)
        status = await shown(rig, "status")
        assert "needs you" not in status
        for code in Unfinished:
            assert f"1 file not finished: {code.reason}" in status
        found = json.loads(await shown(rig, "status", "--json"))
        (folder,) = found["folders"].values()
        assert {count["why"] for count in folder["unfinished"]} == {"empty", "hole", "zeros"}
        assert not folder["unreadable"]
        assert found["accounts"]["main"]["rejected"] == 0
        for name in WHOLE:
            path = str(rig.folder / name)
            assert "trouble not finished: " in await shown(rig, "find", path, code=3)
        rows = json.loads(await shown(rig, "export", "--format", "json"))
        assert [row["state"] for row in rows].count("unfinished") == len(WHOLE)
        assert f"1 file not finished: {Unfinished.HOLE.reason}" in await shown(rig, "plan")
        for name, data in WHOLE.items():
            rig.write(name, data)
        for data in WHOLE.values():
            await until(partial(is_recorded, rig, data))
        assert await daemon.end() == 0
    assert daemon.count("file.rejected") == 0
    assert daemon.count("level=warning") == 0


async def test_a_file_is_unreadable_and_unfinished_by_turns(rig: Rig) -> None:
    rig.watch = 'rescan = "1s"'
    path = rig.write("a.jpg", b"")
    mode = path.stat().st_mode
    async with running(rig, under=without_privileges()) as daemon:
        await until(lambda: daemon.count("event=file.unfinished") == 1)
        path.chmod(0)
        await until(lambda: daemon.count("event=file.unreadable") == 1)
        assert "needs you" in await shown(rig, "status")
        path.chmod(mode)
        await until(lambda: daemon.count("event=file.readable") == 1)
        await until(lambda: daemon.count("event=file.unfinished") == 2)
        assert "needs you" not in await shown(rig, "status")
        os.truncate(path, 0)
        path.write_bytes(picture(1))
        await until(lambda: rig.recorded(picture(1)) is not None)
        assert daemon.count("event=file.readable") == 1
        assert await daemon.end() == 0
