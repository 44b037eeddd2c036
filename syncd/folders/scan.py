"""A scan: what is in a folder now, compared with the ledger, a stretch at a time."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from syncd.folders.inside import Unreadable
from syncd.folders.looks import Look
from syncd.folders.patterns import Patterns
from syncd.folders.walk import Listing, Trouble, list_directory
from syncd.ledger import tree
from syncd.ledger.database import connect_reader
from syncd.ledger.tree import Known, Place
from syncd.model import Stat

STRETCH = 0.05  # seconds of walking between two looks at the event loop
MOST_FOUND = 2000  # files new or changed that one stretch hands over


@dataclass(frozen=True, slots=True)
class Missed:
    """Entries of one directory that the ledger knows and the disk does not show."""

    directory_id: int
    files: tuple[bytes, ...]
    directories: tuple[int, ...]


@dataclass(slots=True)
class Stretch:
    """What a stretch of the walk came upon."""

    found: list[tuple[Place, Stat]] = field(default_factory=list)
    missed: list[Missed] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    seen: int = 0  # files, whether new or known


class Walk:
    """Walks the places to look at; every stretch is short, so that the walk can end at any time.

    Memory: the directories that are still to be listed, and one stretch.
    """

    def __init__(
        self, ledger: Path, folder_id: int, root: bytes, patterns: Patterns, looks: Iterable[Look]
    ) -> None:
        self._ledger = ledger
        self._folder_id = folder_id
        self._root = root
        self._patterns = patterns
        self._ahead = sorted(looks, key=lambda look: look.path, reverse=True)

    def stretch(self) -> Stretch | None:
        """Walk on for a moment; None when there is nothing more. Blocks: run it in a thread."""
        if not self._ahead:
            return None
        stretch = Stretch()
        until = time.monotonic() + STRETCH
        with closing(connect_reader(self._ledger)) as db:
            while self._ahead and len(stretch.found) < MOST_FOUND and time.monotonic() < until:
                self._look(self._ahead.pop(), db, stretch)
        return stretch

    def _look(self, look: Look, db: sqlite3.Connection, stretch: Stretch) -> None:
        if not self._patterns.enters(look.path):
            return
        # Asked before the disk is: what is recorded meanwhile is found again, never missed.
        known = tree.known_directory(self._folder_id, look.path)(db)
        try:
            listing = list_directory(self._root, look.path, self._patterns)
        except Unreadable as error:
            if not error.gone:  # what is gone was missed, or will be, where it stood
                stretch.troubles.append(Trouble(look.path, error.reason))
            return
        stretch.troubles += listing.troubles
        stretch.seen += len(listing.files)
        below = [_joined(look.path, name) for name in listing.directories]
        stretch.found += _changed(self._folder_id, look.path, listing, known)
        if (missed := _missed(listing, below, known)) is not None:
            stretch.missed.append(missed)
        if look.deep:
            self._ahead += [Look(path, deep=True) for path in reversed(below)]


def _changed(
    folder_id: int, path: bytes, listing: Listing, known: Known
) -> list[tuple[Place, Stat]]:
    files = known.files
    return [
        (Place(folder_id, path, name), stat)
        for name, stat in listing.files.items()
        if files.get(name) != stat
    ]


def _missed(listing: Listing, below: Sequence[bytes], known: Known) -> Missed | None:
    if known.directory_id is None:
        return None
    unlisted = {trouble.path.rpartition(b"/")[2] for trouble in listing.troubles}
    files = known.files.keys() - listing.files.keys() - unlisted
    directories = known.directories.keys() - set(below)
    if not files and not directories:
        return None
    return Missed(
        known.directory_id, tuple(files), tuple(known.directories[path] for path in directories)
    )


def _joined(directory: bytes, name: bytes) -> bytes:
    return directory + b"/" + name if directory else name
