"""Mounts below a folder, as the kernel lists them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.mounts import own_mounts

from syncd.folders.mounts import MountWatch, mount_points, mounts_around, mounts_below

INFO = (
    b"22 27 0:21 / /proc rw,relatime - proc proc rw\n"
    b"30 27 8:1 / /srv/a rw shared:1 - ext4 /dev/sda1 rw\n"
    b"31 30 8:2 /sub /srv/a/with\\040blank rw - ext4 /dev/sda2 rw\n"
    b"32 30 8:3 / /srv/a/b/c rw - ext4 /dev/sda3 rw\n"
    b"33 30 8:4 / /srv/ab rw - ext4 /dev/sda4 rw\n"
)


def test_every_mount_point_is_listed_with_its_escapes_resolved() -> None:
    assert mount_points(INFO) == [
        b"/proc",
        b"/srv/a",
        b"/srv/a/with blank",
        b"/srv/a/b/c",
        b"/srv/ab",
    ]


@pytest.mark.parametrize("root", [b"/srv/a", b"/srv/a/"])
def test_the_mounts_below_a_folder_leave_out_its_own_and_its_neighbours(root: bytes) -> None:
    assert mounts_below(root, INFO) == {b"with blank", b"b/c"}


def test_the_mounts_around_a_folder_are_those_at_above_and_below_it() -> None:
    lines = INFO.splitlines()
    assert mounts_around(b"/srv/a", INFO) == lines[1:4]
    assert mounts_around(b"/srv/a/b/c/d", INFO) == [lines[1], lines[3]]
    assert mounts_around(b"/home", INFO) == []


def test_the_root_of_the_system_is_above_every_mount() -> None:
    assert mounts_below(b"/", INFO) == {
        b"proc",
        b"srv/a",
        b"srv/a/with blank",
        b"srv/a/b/c",
        b"srv/ab",
    }


WATCHING = """
import asyncio, os, sys
from syncd.folders.mounts import MountWatch, current_mounts_below

async def main():
    with MountWatch().changes() as changed:
        for _ in range(2):
            print(sorted(current_mounts_below(os.fsencode(sys.argv[1]))), flush=True)
            await changed.wait()
            changed.clear()
        print(sorted(current_mounts_below(os.fsencode(sys.argv[1]))), flush=True)

asyncio.run(main())
"""


def test_a_mount_that_appears_and_disappears_is_reported(tmp_path: Path) -> None:
    place, empty = tmp_path / "folder" / "disk", tmp_path / "empty"
    place.mkdir(parents=True)
    empty.mkdir()
    with own_mounts(empty) as mounts:
        words = [*mounts.under, sys.executable, "-c", WATCHING, str(place.parent)]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"[]\n"
            mounts.mount("-t", "tmpfs", "none", place)
            assert process.stdout.readline() == b"[b'disk']\n"
            mounts.unmount(place)
            assert process.stdout.readline() == b"[]\n"
            assert process.wait(20) == 0


async def test_all_subscribers_share_one_open_mountinfo() -> None:
    def opened() -> int:
        links = map(os.path.realpath, Path("/proc/self/fd").iterdir())
        return sum(link.endswith("/mountinfo") for link in links)

    watch = MountWatch()
    with watch.changes(), watch.changes():
        assert opened() == 1
    assert opened() == 0
