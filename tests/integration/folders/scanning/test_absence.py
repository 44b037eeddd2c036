"""Deletions on a real disk, as evidence shows them: absent is not deleted."""

import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.scene import unprivileged_directory

from syncd.folders.scanning.absence import Absence, KnownTree, check_absence

DIRECTORY, NAME = b"a/b", b"x.jpg"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with a/b/x.jpg and a/b/y.jpg."""
    root = tmp_path / "folder"
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / "x.jpg").write_bytes(b"x")
    (root / "a" / "b" / "y.jpg").write_bytes(b"y")
    return root


def known(root: Path, moved_mounts: frozenset[bytes] = frozenset()) -> KnownTree:
    return KnownTree(
        os.fsencode(root),
        {path: os.stat(root / os.fsdecode(path)).st_ino for path in (b"a", b"a/b")},
        moved_mounts,
    )


def test_few_directories_of_a_deep_folder_are_open_at_once(tmp_path: Path) -> None:
    deep = b"/".join([b"d"] * 300)
    (tmp_path / os.fsdecode(deep)).mkdir(parents=True)
    missing = [(deep, NAME), (b"d/d", NAME), (deep[:-2], NAME)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = max(int(descriptor) for descriptor in os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (opened + 100, hard))
    try:
        found = check_absence(KnownTree(os.fsencode(tmp_path), {}, frozenset()), missing)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert found == dict.fromkeys(missing, Absence.DELETED)


def absence(tree: KnownTree) -> Absence:
    return check_absence(tree, [(DIRECTORY, NAME)])[DIRECTORY, NAME]


def delete(root: Path) -> None:
    (root / "a/b/x.jpg").unlink()


def delete_branch(root: Path) -> None:
    shutil.rmtree(root / "a")


def keep(root: Path) -> None:
    """Leave everything as it is."""


def replace_file_by_link(root: Path) -> None:
    delete(root)
    (root / "a/b/x.jpg").symlink_to("/nowhere")


def replace_file_by_directory(root: Path) -> None:
    delete(root)
    (root / "a/b/x.jpg").mkdir()


def replace_directory_by_link(root: Path) -> None:
    (root / "a/b").rename(root.parent / "b")
    (root / "a/b").symlink_to(root.parent / "b")


def replace_upper_directory_by_link(root: Path) -> None:
    (root / "a").rename(root.parent / "a")
    (root / "a").symlink_to(root.parent / "a")


def replace_directory_by_file(root: Path) -> None:
    (root / "a/b").rename(root.parent / "b")
    (root / "a/b").write_bytes(b"")


def replace_directory_by_another(root: Path) -> None:
    (root / "a").rename(root.parent / "a")
    (root / "a/b").mkdir(parents=True)


def remove_root(root: Path) -> None:
    root.rename(root.parent / "gone")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (delete, Absence.DELETED),
        (delete_branch, Absence.DELETED),
        (keep, Absence.BACK),
        (replace_file_by_link, Absence.PRESENT),
        (replace_file_by_directory, Absence.PRESENT),
        (replace_directory_by_link, Absence.LINK),
        (replace_upper_directory_by_link, Absence.LINK),
        (replace_directory_by_file, Absence.LINK),
        (replace_directory_by_another, Absence.OTHER_DIRECTORY),
        (remove_root, Absence.UNREADABLE),
    ],
)
def test_only_a_name_that_is_gone_from_its_own_directory_was_deleted(
    root: Path, change: Callable[[Path], None], expected: Absence
) -> None:
    tree = known(root)
    change(root)
    assert absence(tree) is expected


@pytest.mark.parametrize("mount", [b"a", b"a/b", b"a/b/x.jpg"])
def test_nothing_below_a_mount_that_came_or_went_was_deleted(root: Path, mount: bytes) -> None:
    tree = known(root, frozenset({mount}))
    delete(root)
    assert absence(tree) is Absence.MOUNT


def test_a_mount_elsewhere_does_not_matter(root: Path) -> None:
    tree = known(root, frozenset({b"c", b"a/bc"}))
    delete(root)
    assert absence(tree) is Absence.DELETED


def test_a_directory_whose_inode_was_never_recorded_may_have_any(root: Path) -> None:
    tree = KnownTree(os.fsencode(root), {}, frozenset())
    replace_directory_by_another(root)
    assert absence(tree) is Absence.DELETED


def test_a_missing_directory_is_judged_in_its_parent(root: Path) -> None:
    tree = known(root)
    shutil.rmtree(root / "a" / "b")
    assert check_absence(tree, [(b"a", b"b"), (b"", b"a")]) == {
        (b"a", b"b"): Absence.DELETED,
        (b"", b"a"): Absence.PRESENT,
    }


def test_descriptors_are_closed(root: Path) -> None:
    before = os.listdir("/proc/self/fd")
    check_absence(known(root), [(DIRECTORY, NAME), (b"a", b"z"), (b"q/r", b"s")])
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.parametrize("directory", [b"sub", b"sub/deep"])
def test_a_name_that_cannot_be_looked_up_was_not_deleted(directory: bytes) -> None:
    with unprivileged_directory() as root:
        os.makedirs(root + b"/sub/deep")
        os.chmod(root + b"/sub", 0o600)
        try:
            tree = KnownTree(root, {}, frozenset())
            assert check_absence(tree, [(directory, b"x.jpg")]) == {
                (directory, b"x.jpg"): Absence.UNREADABLE
            }
        finally:
            os.chmod(root + b"/sub", 0o700)
