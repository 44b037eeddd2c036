"""The verification of what a scan missed: the marks of names that were not deleted are dropped."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from syncd.folders.filesystem import root_identity
from syncd.folders.mounts import current_mounts_below
from syncd.folders.safe_open import Way
from syncd.folders.scanning.absence import Absence, KnownTree, check_absence
from syncd.heartbeat import Heartbeat
from syncd.ledger import directories, missed
from syncd.ledger.database import Ledger
from syncd.ledger.directories import Moved
from syncd.model import RootIdentity, joined
from syncd.rules.root import is_same_root
from syncd.threads import run_in_thread

SLICE = 1000
"""Names that are verified at once."""

Mounts = Mapping[bytes, RootIdentity]
"""The mounts below a folder, by their paths relative to it."""


class Verification:
    """The verification of the names that scans of one folder missed."""

    def __init__(self, folder_id: int, root: bytes, ledger: Ledger, heartbeat: Heartbeat) -> None:
        self._folder_id = folder_id
        self._root = root
        self._ledger = ledger
        self._heartbeat = heartbeat

    async def root(self) -> RootIdentity | None:
        """Return which directory the root is now."""
        with self._heartbeat.operation():
            return await run_in_thread(partial(root_identity, self._root))

    async def mounts(self) -> Mounts:
        """Return the mounts below the folder; none without /proc."""
        with self._heartbeat.operation() as operation:
            return await run_in_thread(partial(_mounts, self._root, operation.beat))

    async def accept_successors(self, scan: int) -> None:
        """Record the directories found in place of others that were moved within the folder.

        The names that were in a moved directory left their path with it.
        """
        moved = await self._ledger.read(directories.moved(self._folder_id, scan))
        if moved:
            with self._heartbeat.operation() as operation:
                there = await run_in_thread(partial(_there, self._root, moved, operation.beat))
            await self._ledger.write(directories.record_moved(self._folder_id, scan, there))

    async def drop_present(self, scan: int, mounts: Mounts) -> dict[Absence, int]:
        """Drop the marks of names that were not deleted, and count those that are gone anyway."""
        before = await self._ledger.read(directories.mounts(self._folder_id))
        moved = _moved(before, mounts)
        kept: dict[Absence, int] = {}
        after = missed.BEFORE
        while marks := await self._ledger.read(missed.page(scan, after, SLICE)):
            after = marks[-1].directory_id, marks[-1].name
            tree = KnownTree(self._root, await self._ledger.read(missed.inodes(marks)), moved)
            with self._heartbeat.operation() as operation:
                found = await run_in_thread(
                    partial(check_absence, tree, [mark.place for mark in marks], operation.beat)
                )
            present = [mark for mark in marks if found[mark.place] is not Absence.DELETED]
            if present:
                await self._ledger.write(missed.drop(scan, present))
            for mark in present:
                if (absence := found[mark.place]) is not Absence.BACK:
                    kept[absence] = kept.get(absence, 0) + 1
        return kept


def _there(root: bytes, moved: Iterable[Moved], progress: Callable[[], None]) -> list[Moved]:
    """Return the directories that are at their new paths."""
    there: list[Moved] = []
    with Way(root) as way:
        for one in moved:
            progress()
            try:
                descriptor = way.open(one.to)
            except OSError:
                continue
            if os.fstat(descriptor).st_ino == one.inode:
                there.append(one)
            os.close(descriptor)
    return there


def _mounts(root: bytes, progress: Callable[[], None]) -> dict[bytes, RootIdentity]:
    found: dict[bytes, RootIdentity] = {}
    try:
        points = current_mounts_below(os.path.realpath(root))
    except OSError:
        return found
    for point in points:
        progress()
        if (identity := root_identity(joined(root, point))) is not None:
            found[point] = identity
    return found


def _moved(before: Mounts, now: Mounts) -> frozenset[bytes]:
    """Return the mount points where another file system is mounted than before, or none.

    Where nothing identifies a file system, its device and root inode do.
    """
    return frozenset(
        path
        for path in {*before, *now}
        if (one := before.get(path)) is None
        or (other := now.get(path)) is None
        or not (one == other or is_same_root(one, other))
    )
