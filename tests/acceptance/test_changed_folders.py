"""The real process and folders with a new name or path: their pending deletions continue.

A file is deleted while the grace period is long. Its image leaves the account only if the deletion
is still known once the configuration has the new name or path, and no grace period.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.pictures import picture
from support.process import Daemon, running
from support.rig import Rig, until

from syncd.sandbox.server import Sandbox

GONE, DEEP, OUTSIDE, OTHER = (picture(i) for i in range(4))
LONG, NONE = 'grace = "1h"', 'grace = "0s"'


@pytest.fixture
def rig(tmp_path: Path, sandbox: Sandbox) -> Rig:
    """A folder and its neighbour, and the file that is deleted."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "its.jpg").write_bytes(OTHER)
    rig = Rig(
        tmp_path,
        sandbox,
        per_folder='deletions = "propagate"',
        watch='rescan = "1s"',
        toml=f'[folders.autumn]\npath = "{other}"\naccount = "main"\ndeletions = "propagate"\n'
        f"[deletions]\n{LONG}\n",
    )
    rig.write("in/sub/gone.jpg", GONE)
    rig.write("in/sub/deep.jpg", DEEP)
    return rig


def named(config: str) -> str:
    return config.replace("[folders.spring]", "[folders.summer]")


def swapped(config: str) -> str:
    spring, autumn = "[folders.spring]", "[folders.autumn]"
    return config.replace(spring, "[aside]").replace(autumn, spring).replace("[aside]", autumn)


def at_parent(config: str) -> str:
    return config.replace('/folder/in"', '/folder"')


def at_directory(config: str) -> str:
    return config.replace('/folder"', '/folder/in/sub"')


async def await_scans(daemon: Daemon, folder: str) -> None:
    """Wait for two more scans of a folder, the second of which began after this call."""
    words = ("scan.done", f"folder={folder} ", "new_or_changed=0")
    before = daemon.count(*words)
    await until(lambda: daemon.count(*words) >= before + 2)


@pytest.mark.parametrize("restart", [False, True], ids=["reload", "restart"])
@pytest.mark.parametrize(
    ("start", "change", "name", "outside"),
    [
        ("/folder", named, "summer", False),
        ("/folder", swapped, "autumn", False),
        ("/folder/in", at_parent, "spring", True),
        ("/folder", at_directory, "spring", True),
    ],
    ids=["renamed", "names swapped", "path widened", "path narrowed"],
)
async def test_a_folder_with_a_new_name_or_path_keeps_its_pending_deletions(
    rig: Rig,
    start: str,
    change: Callable[[str], str],
    name: str,
    outside: bool,
    restart: bool,
) -> None:
    if outside:
        rig.write("outside.jpg", OUTSIDE)
    file = rig.write_config()
    before = file.read_text().replace('/folder"', f'{start}"')
    file.write_text(before)
    after = change(before).replace(LONG, NONE)
    command = ("run", "--config", str(file))
    stay = [DEEP, OTHER]
    async with running(rig, *command) as daemon:
        await until(lambda: all(rig.recorded(c) is not None for c in (GONE, *stay)))
        if start == "/folder" and outside:
            await until(lambda: rig.recorded(OUTSIDE) is not None)
        await await_scans(daemon, "spring")
        (rig.folder / "in" / "sub" / "gone.jpg").unlink()
        await until(lambda: rig.rows("SELECT 1 FROM deletion WHERE state = 'waiting'") != [])
        await await_scans(daemon, "spring")
        file.write_text(after)
        if restart:
            assert await daemon.end() == 0
        else:
            daemon.hang_up()
            await assert_carried_over(rig, daemon, name, stay)
    if restart:
        async with running(rig, *command) as daemon:
            await assert_carried_over(rig, daemon, name, stay)
    if outside:
        assert rig.holds(OUTSIDE)


async def assert_carried_over(rig: Rig, daemon: Daemon, name: str, stay: list[bytes]) -> None:
    """Assert that the image of the deleted file leaves the account, and no other image."""
    await until(lambda: daemon.logged("image.deleted", "gone.jpg"))
    await await_scans(daemon, name)
    assert not daemon.logged("folder.suspect")
    assert not daemon.logged("deletions.held")
    assert rig.rows("SELECT 1 FROM baseline WHERE suspect IS NOT NULL") == []
    assert all(rig.holds(content) for content in stay)
    assert rig.sandbox.counts.calls("1", "delete") == 1
    assert rig.sandbox.counts.repeated_uploads("1") == 0
    assert await daemon.end() == 0
