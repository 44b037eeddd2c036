"""The contents of one directory, on a real disk."""

import os
import socket
from collections import Counter
from pathlib import Path

import pytest
from support.scene import unprivileged_directory

from syncd.folders.filesystem import root_identity
from syncd.folders.patterns import Patterns
from syncd.folders.safe_open import Unreadable
from syncd.folders.scanning.walk import Listing, list_directory
from syncd.model import Stat

IMAGES = Patterns(["*.jpg"], ["drafts/"])


def put(root: Path, *names: bytes) -> None:
    for name in names:
        path = os.path.join(os.fsencode(root), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(name)


def listed(root: Path, path: bytes = b"") -> Listing:
    return list_directory(os.fsencode(root), path, IMAGES)


def test_files_and_directories_are_listed_by_name(tmp_path: Path) -> None:
    put(tmp_path, b"a.jpg", b"b.txt", b".c.jpg", b"sub/d.jpg", b"drafts/e.jpg", b"@eaDir/f.jpg")
    found = listed(tmp_path)
    assert list(found.files) == [b"a.jpg"]
    assert found.directories == (b"sub",)
    assert found.troubles == ()
    assert list(listed(tmp_path, b"sub").files) == [b"d.jpg"]


def test_a_listed_file_has_its_stat(tmp_path: Path) -> None:
    put(tmp_path, b"a.jpg")
    real = (tmp_path / "a.jpg").stat()
    assert listed(tmp_path).files[b"a.jpg"] == Stat(
        device=real.st_dev,
        inode=real.st_ino,
        size=5,
        mtime_ns=real.st_mtime_ns,
        ctime_ns=real.st_ctime_ns,
    )


def test_any_name_is_listed(tmp_path: Path) -> None:
    names = [b"\xff\xfe.jpg", b"new\nline.jpg", b"x" * 251 + b".jpg", " \t絵.jpg".encode()]
    put(tmp_path, *names, b"\xe4/\xe4.jpg")
    found = listed(tmp_path)
    assert sorted(found.files) == sorted(names)
    assert found.directories == (b"\xe4",)
    assert list(listed(tmp_path, b"\xe4").files) == [b"\xe4.jpg"]


def test_a_link_to_a_file_inside_counts_as_that_file(tmp_path: Path) -> None:
    put(tmp_path, b"sub/real.data")
    (tmp_path / "link.jpg").symlink_to("sub/real.data")
    (tmp_path / "twice.jpg").symlink_to(tmp_path / "link.jpg")
    found = listed(tmp_path)
    assert found.files[b"link.jpg"] == found.files[b"twice.jpg"]
    assert found.files[b"link.jpg"].inode == (tmp_path / "sub/real.data").stat().st_ino


def test_a_link_is_inside_a_root_that_is_a_link_itself(tmp_path: Path) -> None:
    put(tmp_path, b"real/a.jpg")
    (tmp_path / "real/link.jpg").symlink_to(tmp_path / "real/a.jpg")
    (tmp_path / "root").symlink_to("real")
    assert sorted(listed(tmp_path / "root").files) == [b"a.jpg", b"link.jpg"]


def test_a_link_is_left_out_unless_it_leads_to_a_file_inside(tmp_path: Path) -> None:
    put(tmp_path, b"out.jpg", b"root/sub/a.jpg", b"root-sibling/b.jpg")
    root = tmp_path / "root"
    (root / "out.jpg").symlink_to("../out.jpg")
    (root / "sibling.jpg").symlink_to(tmp_path / "root-sibling/b.jpg")
    (root / "dangling.jpg").symlink_to("none.jpg")
    (root / "loop.jpg").symlink_to("loop.jpg")
    (root / "dir.jpg").symlink_to("sub")
    (root / "linked").symlink_to("sub")
    assert listed(root) == Listing({}, (b"sub",), (), Counter(link=6))


def test_a_link_over_more_links_than_the_system_follows_is_left_out(tmp_path: Path) -> None:
    put(tmp_path, b"a.jpg")
    for number in range(1500):
        (tmp_path / f"{number}.jpg").symlink_to("a.jpg" if number == 0 else f"{number - 1}.jpg")
    found = listed(tmp_path)
    assert found.troubles == ()
    assert sorted(found.files) == sorted([b"a.jpg", *(b"%d.jpg" % n for n in range(40))])


def test_only_regular_files_are_listed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.jpg")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.jpg"))
        (tmp_path / "linked.jpg").symlink_to("fifo.jpg")
        assert listed(tmp_path) == Listing({}, (), (), Counter(link=1))


def test_a_directory_behind_a_link_is_not_listed(tmp_path: Path) -> None:
    put(tmp_path, b"out/sub/a.jpg", b"root/b.jpg")
    (tmp_path / "root/link").symlink_to("../out")
    for path in (b"link", b"link/sub"):
        with pytest.raises(Unreadable) as raised:
            listed(tmp_path / "root", path)
        assert raised.value.gone


def test_a_missing_directory_is_gone(tmp_path: Path) -> None:
    put(tmp_path, b"file")
    for path in (b"none", b"none/deeper", b"file"):
        with pytest.raises(Unreadable) as raised:
            listed(tmp_path, path)
        assert raised.value.gone
    with pytest.raises(Unreadable) as raised:
        listed(tmp_path / "no-root")
    assert raised.value.gone


def test_a_directory_without_permission_is_unreadable_and_not_gone() -> None:
    with unprivileged_directory() as root:
        os.mkdir(root + b"/closed", 0)
        assert list_directory(root, b"", IMAGES).directories == (b"closed",)
        with pytest.raises(Unreadable, match="permission denied") as raised:
            list_directory(root, b"closed", IMAGES)
        assert not raised.value.gone


def test_an_unreadable_file_is_a_trouble_of_the_listing() -> None:
    with unprivileged_directory() as root:
        os.mkdir(root + b"/names-only")
        with open(root + b"/names-only/a.jpg", "wb"):
            os.chmod(root + b"/names-only", 0o400)
        try:
            found = list_directory(root, b"names-only", IMAGES)
        finally:
            os.chmod(root + b"/names-only", 0o700)
        assert [(t.path, t.reason) for t in found.troubles] == [
            (b"names-only/a.jpg", "permission denied")
        ]


def test_listing_leaves_no_descriptor_open(tmp_path: Path) -> None:
    put(tmp_path, b"sub/a.jpg", b"file")
    before = len(os.listdir("/proc/self/fd"))
    for path in (b"", b"sub", b"none", b"file", b"sub/none/deeper"):
        try:
            listed(tmp_path, path)
        except Unreadable:
            continue
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_root_is_identified_by_device_and_inode(tmp_path: Path) -> None:
    real = tmp_path.stat()
    found = root_identity(os.fsencode(tmp_path))
    assert found is not None
    assert (found.device, found.inode, found.unlinked) == (real.st_dev, real.st_ino, False)
    assert root_identity(os.fsencode(tmp_path / "none")) is None
    put(tmp_path, b"file")
    assert root_identity(os.fsencode(tmp_path / "file")) is None
