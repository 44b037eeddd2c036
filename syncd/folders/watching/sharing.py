"""The rule by which folders share one watch.

A server that hangs must not block other folders, so only folders on local file systems do. And one
inotify instance reports a directory under a single path: if a folder contains a directory of
another one under another path, through a bind mount, they cannot share.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product

import msgspec

from syncd.folders.mounts import Mount

LOCAL = frozenset(
    b"bcachefs btrfs exfat ext2 ext3 ext4 f2fs jfs nilfs2 ntfs3 overlay ramfs reiserfs tmpfs udf"
    b" vfat xfs zfs".split()
)
"""File systems of this machine's disks and memory. Every other type may wait for a server, or for
a program in user space."""


class _Place(msgspec.Struct, frozen=True):
    """A part of a folder's tree, as its file system names it."""

    mount: Mount
    path: bytes


def is_local(root: bytes, mounts: Sequence[Mount]) -> bool:
    """Return whether the tree at a path is on local file systems only."""
    found = _places(root, mounts)
    return bool(found) and all(place.mount.kind in LOCAL for place in found)


def shared(roots: Iterable[bytes], mounts: Sequence[Mount]) -> dict[bytes, bytes]:
    """Return the roots that can share one watch, in their order, with the devices that they are on.

    The roots are real paths; one may be part of another.
    """
    chosen: dict[bytes, list[_Place]] = {}
    for root in roots:
        places = _places(root, mounts)
        if _is_utf8(root) and is_local(root, mounts) and not _overlaps(places, chosen.values()):
            chosen[root] = places
    return {root: places[0].mount.device for root, places in chosen.items()}


def _places(root: bytes, mounts: Sequence[Mount]) -> list[_Place]:
    """Return the place of the root, and those of the mounts below it; none if it is on no mount."""
    home = _with_slash(root)
    above = [mount for mount in mounts if home.startswith(_with_slash(mount.point))]
    if not above:
        return []
    own = max(reversed(above), key=lambda mount: len(mount.point))  # the last one is on top
    below = home.removeprefix(_with_slash(own.point))
    places = [_Place(own, _with_slash(own.source) + below)]
    for mount in mounts:
        point = _with_slash(mount.point)
        if point.startswith(home) and point != home:
            places.append(_Place(mount, _with_slash(mount.source)))
    return places


def _overlaps(places: Sequence[_Place], others: Iterable[Sequence[_Place]]) -> bool:
    return any(_has_two_paths(one, other) for its in others for one, other in product(places, its))


def _has_two_paths(one: _Place, other: _Place) -> bool:
    """Return whether two places have a directory in common, under two paths."""
    return (
        one.mount.number != other.mount.number
        and one.mount.device == other.mount.device
        and (one.path.startswith(other.path) or other.path.startswith(one.path))
    )


def _with_slash(path: bytes) -> bytes:
    return path.rstrip(b"/") + b"/"


def _is_utf8(path: bytes) -> bool:
    try:
        path.decode()
    except UnicodeDecodeError:
        return False
    return True
