"""Whether the directory at a folder's path is the directory that was last trusted there.

Device and inode numbers are reused, and change without reason on network file systems. A root is
the same where an identifier says so that the system does not reuse; otherwise its files decide.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from syncd.model import Stat

SAMPLE = 100
"""Known files that are looked at where no identifier decides."""

ENOUGH = 0.5
"""Share of the sample that has to be unchanged."""


class RootIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """A directory at the root of a folder."""

    device: int
    inode: int
    filesystem: int | None  # f_fsid; None: unknown
    born_ns: int | None  # birth time; None: unknown


def is_same_root(before: RootIdentity, now: RootIdentity) -> bool:
    """Return whether identifiers alone prove that it is the same directory.

    If they do not, `is_same_tree` decides.
    """
    if before.filesystem is not None and now.filesystem is not None:
        if before.filesystem != now.filesystem:
            return False
        if before.born_ns is not None and now.born_ns is not None:
            return before.born_ns == now.born_ns
        return before.inode == now.inode
    return before.born_ns is not None and before.born_ns == now.born_ns


def is_same_tree(sample: Sequence[tuple[Stat, Stat | None]]) -> bool:
    """Return whether a sample of known files shows that it is the same tree.

    Each pair has what the ledger knows of a file and what is on disk now, None for no file. Where
    every status change time differs, as after `setfacl -R`, size and modification time decide.
    An empty sample proves nothing.
    """
    found = [(known, now) for known, now in sample if now is not None]
    same = [known.ctime_ns == now.ctime_ns for known, now in found]
    if not any(same):
        same = [(known.size, known.mtime_ns) == (now.size, now.mtime_ns) for known, now in found]
    return bool(sample) and sum(same) >= ENOUGH * len(sample)
