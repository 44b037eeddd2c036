"""The order in which the settled files of several folders are read."""

from collections import defaultdict

from syncd.folders.intake.settle import Found, SettleQueue
from syncd.heartbeat import Heartbeat
from syncd.ledger.files import Place
from syncd.model import Stat

LONG_AGO = 1


def queue_of(
    *files: tuple[int, bool], readers: defaultdict[int, Heartbeat] | None = None
) -> SettleQueue:
    """Return a queue with these files: each one's folder, and whether it was just dropped."""
    queue = SettleQueue(0.0, defaultdict(Heartbeat) if readers is None else readers)
    for number, (folder, fresh) in enumerate(files):
        stat = Stat(device=1, inode=number, size=10, mtime_ns=LONG_AGO, ctime_ns=LONG_AGO)
        place = Place(folder, b"", b"%d.jpg" % number)
        queue.of(folder).add(Found(place, b"/", stat, 0.0, fresh), 0.0, LONG_AGO)
    return queue


def order(queue: SettleQueue, limit: int = 1) -> list[int]:
    """Return the folders of the batches in their order."""
    taken: list[int] = []
    while batch := queue.take(limit, 1000, 0.0, LONG_AGO, ()):
        assert len({found.place.folder_id for found in batch}) == 1
        taken.append(batch[0].place.folder_id)
    return taken


def test_folders_take_turns() -> None:
    assert order(queue_of(*[(1, False)] * 3, *[(2, False)] * 3)) == [1, 2, 1, 2, 1, 2]


def test_a_batch_has_files_of_one_folder() -> None:
    assert order(queue_of((1, False), (2, False), (1, False)), limit=9) == [1, 2]


def test_a_folder_with_fresh_files_goes_first() -> None:
    queue = queue_of(*[(1, False)] * 2, (2, True))
    assert queue.idle_time(-5.0) == 5.0
    assert order(queue) == [2, 1, 1]


def test_a_folder_that_hangs_is_skipped_until_it_responds() -> None:
    readers = defaultdict(Heartbeat, {1: Heartbeat(stalled_after=1e-9)})
    queue = queue_of((1, True), (2, False), readers=readers)
    with readers[1].operation():
        assert queue.idle_time(-0.5) == 0.5, "until the other folder's file is due"
        assert order(queue) == [2]
        assert queue.idle_time(-0.5) == 1.0
        assert len(queue) == 1
    assert order(queue) == [1]
    assert queue.idle_time(0.0) is None
