"""The files of all folders that settle; those of a folder that hangs hold up no other's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Mapping

from syncd.folders.intake.settle import Found, Settling
from syncd.heartbeat import CHECK_EVERY, Heartbeat
from syncd.ledger.files import Place


class Lines:
    """A line for each folder; folders take turns, and who has something fresh goes first."""

    def __init__(self, settle: float, readers: Mapping[int, Heartbeat]) -> None:
        """readers shows, by folder, whether what reads there hangs."""
        self._lines: defaultdict[int, Settling] = defaultdict(lambda: Settling(settle))
        self._readers = readers

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def of(self, folder_id: int) -> Settling:
        """Return a folder's line."""
        return self._lines[folder_id]

    def stalled(self, folder_id: int) -> bool:
        """Tell whether nobody should wait for a folder."""
        return self._readers[folder_id].is_stalled()

    @property
    def folders(self) -> set[int]:
        """Of which some file settles."""
        return {folder_id for folder_id, line in self._lines.items() if line}

    @property
    def next_due(self) -> float | None:
        """When the next file may have settled that can be read."""
        dues = (line.next_due for line in self._moving())
        return min((due for due in dues if due is not None), default=None)

    def rest(self, now: float) -> float | None:
        """Return for how many seconds nothing will be there to take; None until a file comes."""
        waits = [] if (due := self.next_due) is None else [due - now]
        if any(map(self.stalled, self.folders)):
            waits.append(CHECK_EVERY)
        return min(waits, default=None)

    def beside(self, folder_id: int, length: Callable[[Settling], int]) -> int:
        """Return how long a folder's line is, with all others that move if it does."""
        if self.stalled(folder_id):
            return length(self._lines[folder_id])
        return sum(map(length, self._moving()))

    def take(
        self, most: int, most_bytes: int, now: float, wall_ns: int, reading: Container[Place]
    ) -> list[Found]:
        """Hand out files of one folder that does not hang, as its line does."""
        moving = [(one, line) for one, line in self._lines.items() if not self.stalled(one)]
        moving.sort(key=lambda one_and_line: not one_and_line[1].fresh)
        for folder_id, line in moving:
            if batch := line.take(most, most_bytes, now, wall_ns, reading):
                del self._lines[folder_id]
                if line:
                    self._lines[folder_id] = line  # behind the others
                return batch
        return []

    def _moving(self) -> list[Settling]:
        return [line for one, line in self._lines.items() if not self.stalled(one)]
