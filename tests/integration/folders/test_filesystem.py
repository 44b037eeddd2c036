"""Identifiers of file systems and directories, on real ones."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.mounts import Mounts, own_mounts

from syncd.folders.filesystem import birth_time_ns, filesystem_id

PRINT = (
    "import os, sys; from syncd.folders.filesystem import birth_time_ns, filesystem_id;"
    "path = os.fsencode(sys.argv[1]); found = os.stat(path);"
    "print(found.st_dev, found.st_ino, filesystem_id(path, found.st_dev), birth_time_ns(path))"
)


def identity(mounts: Mounts, path: Path) -> list[str]:
    """Return device, inode, file system and birth time of a directory, as printed inside."""
    words = [*mounts.under, sys.executable, "-c", PRINT, str(path)]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()


def test_two_tmpfs_at_one_path_differ_in_file_system_and_birth_time(tmp_path: Path) -> None:
    place, empty = tmp_path / "place", tmp_path / "empty"
    place.mkdir()
    empty.mkdir()
    with own_mounts(empty) as mounts:
        found = []
        for _ in range(2):
            mounts.mount("-t", "tmpfs", "none", place)
            found.append(identity(mounts, place))
            mounts.unmount(place)
    (_, inode, filesystem, born), (_, other_inode, other_filesystem, other_born) = found
    assert inode == other_inode
    assert filesystem != other_filesystem
    assert born != other_born


def test_two_ext4_images_on_one_device_differ_in_file_system(tmp_path: Path) -> None:
    place, empty = tmp_path / "place", tmp_path / "empty"
    place.mkdir()
    empty.mkdir()
    with own_mounts(empty) as mounts:
        found = []
        for name in ("one.img", "other.img"):
            image = tmp_path / name
            with image.open("wb") as file:
                file.truncate(8 * 2**20)
            subprocess.run(["mkfs.ext4", "-q", image], check=True)
            try:
                mounts.mount("-o", "loop", image, place)
            except subprocess.CalledProcessError as error:
                pytest.skip(f"NOT TESTED: this machine has no loop device: {error.stderr!r}")
            found.append(identity(mounts, place))
            mounts.unmount(place)
    (_, inode, filesystem, _), (_, other_inode, other_filesystem, _) = found
    assert inode == other_inode == "2"
    assert filesystem != other_filesystem


def test_an_identifier_that_is_derived_from_the_device_is_unknown() -> None:
    proc = b"/proc"
    assert filesystem_id(proc, os.stat(proc).st_dev) is None


def test_a_directory_has_a_birth_time_where_its_file_system_records_one(tmp_path: Path) -> None:
    born = birth_time_ns(os.fsencode(tmp_path))
    if born is None:
        pytest.skip("NOT TESTED: this file system records no birth time")
    assert abs(born - os.stat(tmp_path).st_mtime_ns) < 3600 * 10**9


def test_the_root_of_proc_has_no_birth_time() -> None:
    assert birth_time_ns(b"/proc") is None


def test_a_path_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        birth_time_ns(os.fsencode(tmp_path / "none"))
