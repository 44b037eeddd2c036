"""How many found files are not recorded yet, by folder and by the time at which they were found."""

from __future__ import annotations

from collections import defaultdict

from syncd.heartbeat import Change

Mark = int
"""A number that divides files found before it was made from those found later."""


class Unrecorded:
    """Counts of files, each with the mark that was the latest when it was found."""

    def __init__(self) -> None:
        self._counts: defaultdict[int, dict[Mark, int]] = defaultdict(dict)  # by the folder's id
        self._latest: Mark = 0
        self._ended = Change()

    @property
    def latest(self) -> Mark:
        """The mark of a file that is found now."""
        return self._latest

    def divide(self) -> Mark:
        """Make a new mark for later files; return the latest one of the files so far."""
        self._latest += 1
        return self._latest - 1

    def add(self, folder_id: int, mark: Mark) -> None:
        """Count a file."""
        counts = self._counts[folder_id]
        counts[mark] = counts.get(mark, 0) + 1

    def remove(self, folder_id: int, mark: Mark) -> None:
        """Count a file no longer: it is recorded."""
        counts = self._counts[folder_id]
        counts[mark] -= 1
        if counts[mark]:
            return
        del counts[mark]
        if not counts:
            del self._counts[folder_id]
        if not any(mark in others for others in self._counts.values()):
            self._ended.notify()

    async def wait_for_end(self) -> None:
        """Wait until the last file with some mark is recorded."""
        await self._ended.wait()

    def folders(self, until: Mark) -> list[int]:
        """Return the folders with files whose marks are at most `until`."""
        return [folder for folder, counts in self._counts.items() if min(counts) <= until]
