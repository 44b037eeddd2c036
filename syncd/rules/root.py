"""Whether the directory at a folder's path is the directory that was last trusted there.

Device and inode numbers are reused, and change without reason on network file systems. A root is
the same where an identifier says so that the system does not reuse; otherwise its files decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from syncd.model import RootIdentity, Stat

SAMPLE = 100
"""Known files that are looked at where no identifier decides."""

ENOUGH = 0.5
"""Share of the sample that has to be unchanged."""


class TreeMatch(Enum):
    """How the files of a tree compare with those that are known."""

    SAME = "same"
    """Half of them or more have the status change time that they had."""
    COPY = "copy"
    """No status change time is the same, but half of the files or more are: it may be a copy."""
    OTHER = "other"


def is_same_root(before: RootIdentity, now: RootIdentity) -> bool:
    """Return whether identifiers alone prove that it is the same directory.

    If they do not, `compare_trees` decides.
    """
    if before.inode != now.inode:  # directories made in one tick of the clock have one birth time
        return False
    same_birth = before.born_ns == now.born_ns
    if None in (before.filesystem, now.filesystem):
        return same_birth and before.born_ns is not None
    return before.filesystem == now.filesystem and (
        same_birth or None in (before.born_ns, now.born_ns)
    )


def compare_trees(sample: Sequence[tuple[Stat, Stat | None]]) -> TreeMatch:
    """Return what a sample of known files shows about the tree that they are in now.

    Each pair has what the ledger knows of a file and what is on disk now, None for no file. Where
    every status change time differs, as after `setfacl -R` or in a copy, size and modification time
    decide. An empty sample proves nothing.
    """
    found = [(known, now) for known, now in sample if now is not None]
    unchanged = sum(known.ctime_ns == now.ctime_ns for known, now in found)
    if unchanged:
        return TreeMatch.SAME if unchanged >= ENOUGH * len(sample) else TreeMatch.OTHER
    copied = sum((known.size, known.mtime_ns) == (now.size, now.mtime_ns) for known, now in found)
    return TreeMatch.COPY if copied and copied >= ENOUGH * len(sample) else TreeMatch.OTHER
