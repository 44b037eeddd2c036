"""Files that a search by name means, and that the library does not have: where they are, and why.

The ledger does not have files that syncd has skipped or not read yet: these are found on the disk.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial

import msgspec

from syncd.config import Config
from syncd.folders.unlisted import explained, named
from syncd.images.unfinished import sentence
from syncd.ledger.search import FoundFile
from syncd.model import encoded_name, whole_path
from syncd.web.slots import Slots

SECONDS = 1.0
"""For which the folders are searched; in that time a scan passes some 200,000 files."""

SHORTEST = 3
"""Bytes of a name: fewer are in almost every name."""

MOST = 20
"""Files that are shown."""


class AbsentFile(msgspec.Struct, frozen=True):
    """A file without an image, its folder, and the reason."""

    path: bytes
    folder: str
    why: str


class Absent(msgspec.Struct, frozen=True):
    """The files that were found, and whether all folders were searched to their end."""

    files: Sequence[AbsentFile]
    is_whole: bool


class AbsentFiles:
    """The search for such files, one at a time: it needs the disk."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._slots = Slots("search of folders", 1, 2 * SECONDS)

    async def find(self, part: str, unread: Sequence[FoundFile]) -> Absent:
        """Return the files with a part of a name; `unread` are those that the ledger has."""
        future = await self._slots.start(partial(self._find, part, unread))
        await asyncio.wait([future], timeout=2 * SECONDS)  # which does not cancel it
        if not future.done():  # the disk of a folder hangs
            return Absent([_unread(file) for file in unread], is_whole=False)
        return future.result()

    def close(self) -> None:
        """End the threads."""
        self._slots.close()

    def _find(self, part: str, unread: Sequence[FoundFile]) -> Absent:
        wanted = encoded_name(part).lower()
        found = [_unread(file) for file in unread]
        known = {(file.folder, file.path) for file in unread}
        if len(wanted) < SHORTEST:
            return Absent(found, is_whole=True)
        until = time.monotonic() + SECONDS
        try:
            for folder, path in named(self._config, lambda name: wanted in name.lower(), until):
                if len(found) >= MOST:
                    return Absent(found, is_whole=False)
                if (folder.name, path) not in known:
                    why = explained(self._config, folder, path).why
                    found.append(AbsentFile(whole_path(folder.path, path), folder.name, why))
        except TimeoutError:
            return Absent(found, is_whole=False)
        return Absent(found, is_whole=True)


def _unread(file: FoundFile) -> AbsentFile:
    return AbsentFile(whole_path(file.root, file.path), file.folder, sentence(file.error or ""))
