"""A look at files one by one: what each is now, compared with the ledger."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection
from contextlib import closing
from pathlib import Path

from syncd.folders.safe_open import Way, stat_of
from syncd.folders.watching.targets import ScanTarget, coalesced
from syncd.ledger import files
from syncd.ledger.database import connect_reader
from syncd.ledger.files import Place
from syncd.model import Stat


def look_at_files(
    ledger: Path,
    folder_id: int,
    root: bytes,
    looks: Collection[ScanTarget],
    progress: Callable[[], None] = lambda: None,
) -> tuple[list[tuple[Place, Stat]], frozenset[ScanTarget]]:
    """Return the files that are new or changed, and the directories that are left to look at.

    What is no plain file (any more) is left to a look at its directory. `progress` is called at
    each file. Blocks: run it in a thread.
    """
    found: list[tuple[Place, Stat]] = []
    left = {look for look in looks if not look.file}
    if len(left) < len(looks):
        with closing(connect_reader(ledger)) as db, Way(root) as way:
            for look in looks:
                if not look.file:
                    continue
                progress()
                now = _stat(way, look)
                place = Place(folder_id, look.path, look.file)
                if now is None:
                    left.add(ScanTarget(look.path, deep=False))
                elif files.known_stat(place)(db) != now:
                    found.append((place, now))
    return found, coalesced(left)


def _stat(way: Way, look: ScanTarget) -> Stat | None:
    try:
        descriptor = way.open(look.path)
        try:
            found = os.lstat(look.file, dir_fd=descriptor)
        finally:
            os.close(descriptor)
    except OSError:
        return None
    return stat_of(found) if stat.S_ISREG(found.st_mode) else None
