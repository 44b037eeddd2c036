"""Which folders can share one watch, by the mounts that they are on."""

import pytest

from syncd.folders.mounts import parse
from syncd.folders.watching.sharing import is_local, shared


def mounts(*lines: str) -> bytes:
    """Return the text of a mountinfo file; a line is: device, directory, mount point, type."""
    fields = [line.split() for line in ("8:1 / / ext4", *lines)]
    return "\n".join(
        f"{number} 1 {device} {source} {point} rw shared:1 - {kind} source rw"
        for number, (device, source, point, kind) in enumerate(fields)
    ).encode()


LOCAL = (
    *("ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "tmpfs", "overlay"),
    *("vfat", "exfat", "ntfs3", "udf"),
)
REMOTE = (
    *("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "afs", "autofs", "virtiofs"),
    *("fuse", "fuseblk", "fuse.sshfs", "fuse.glusterfs", "lustre", "gfs2", "ocfs2", "unknown"),
)


@pytest.mark.parametrize("kind", [*LOCAL, *REMOTE])
def test_only_file_systems_that_are_known_as_local_are_local(kind: str) -> None:
    found = parse(mounts(f"9:1 / /srv {kind}"))
    assert is_local(b"/srv", found) == is_local(b"/srv/a", found) == (kind in LOCAL)
    assert is_local(b"/srvs", found)


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        (b"/above", False),  # a part of its tree is on the server
        (b"/above/nfs", False),
        (b"/above/nfs/local", True),
        (b"/above/nf", True),
        (b"/", False),
        (b"/over", False),  # the upper one of two mounts counts
        (b"/under", True),
    ],
)
def test_a_folder_is_local_if_its_whole_tree_is(root: bytes, expected: bool) -> None:
    found = parse(
        mounts(
            "9:1 / /above/nfs nfs4",
            "9:2 / /above/nfs/local ext4",
            "9:3 / /over ext4",
            "9:4 / /over nfs",
            "9:5 / /under nfs",
            "9:6 / /under ext4",
        )
    )
    assert is_local(root, found) == expected


def test_nothing_is_local_where_the_mounts_are_unknown() -> None:
    assert not is_local(b"/srv", [])
    assert shared([b"/srv"], []) == {}


ROOTS = (b"/a", b"/a/inner", b"/b", b"/bind")


@pytest.mark.parametrize(
    ("lines", "left_out"),
    [
        ((), set()),
        (("8:1 /c /bind ext4",), set()),
        (("8:1 /a /bind ext4",), {b"/bind"}),
        (("8:1 /a/inner /bind ext4",), {b"/bind"}),
        (("8:1 / /bind ext4",), {b"/bind"}),
        (("8:1 /ab /bind ext4",), set()),
        (("9:1 /a /bind ext4",), set()),
        (("8:1 /b /bind/below ext4",), {b"/bind"}),
        (("8:1 /b /a/inner/below ext4",), {b"/b"}),
        (("9:1 / /b ext4", "9:1 /sub /bind/below ext4"), {b"/bind"}),
    ],
)
def test_folders_share_unless_they_contain_a_directory_under_two_paths(
    lines: tuple[str, ...], left_out: set[bytes]
) -> None:
    assert set(ROOTS) - shared(ROOTS, parse(mounts(*lines))).keys() == left_out


def test_a_path_that_is_not_utf8_is_not_shared() -> None:
    assert shared([b"/a", b"/\xff"], parse(mounts())) == {b"/a": b"8:1"}


def test_each_folder_that_shares_has_the_device_of_its_file_system() -> None:
    found = shared([b"/a", b"/b/c"], parse(mounts("9:1 / /b xfs")))
    assert found == {b"/a": b"8:1", b"/b/c": b"9:1"}
