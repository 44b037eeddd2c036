"""Whose files are read next, where several folders have some."""

from collections import defaultdict

from syncd.folders.intake.lines import Lines
from syncd.folders.intake.settle import Found
from syncd.heartbeat import Heartbeat
from syncd.ledger.files import Place
from syncd.model import Stat

LONG_AGO = 1


def lines(*files: tuple[int, bool], readers: defaultdict[int, Heartbeat] | None = None) -> Lines:
    """Files in this order: of which folder, and whether just dropped."""
    made = Lines(0.0, defaultdict(Heartbeat) if readers is None else readers)
    for number, (folder, fresh) in enumerate(files):
        stat = Stat(device=1, inode=number, size=10, mtime_ns=LONG_AGO, ctime_ns=LONG_AGO)
        place = Place(folder, b"", b"%d.jpg" % number)
        made.of(folder).add(Found(place, b"/", stat, 0.0, fresh), 0.0, LONG_AGO)
    return made


def order(made: Lines, most: int = 1) -> list[int]:
    """Return the folders of the batches, as they come."""
    taken: list[int] = []
    while batch := made.take(most, 1000, 0.0, LONG_AGO, ()):
        assert len({found.place.folder_id for found in batch}) == 1
        taken.append(batch[0].place.folder_id)
    return taken


def test_folders_take_turns() -> None:
    assert order(lines(*[(1, False)] * 3, *[(2, False)] * 3)) == [1, 2, 1, 2, 1, 2]


def test_a_batch_is_of_one_folder() -> None:
    assert order(lines((1, False), (2, False), (1, False)), most=9) == [1, 2]


def test_what_was_just_dropped_goes_first() -> None:
    made = lines(*[(1, False)] * 2, (2, True))
    assert made.rest(-5.0) == 5.0
    assert order(made) == [2, 1, 1]


def test_a_folder_that_hangs_is_passed_over_and_looked_at_again() -> None:
    readers = defaultdict(Heartbeat, {1: Heartbeat(stalled_after=1e-9)})
    made = lines((1, True), (2, False), readers=readers)
    with readers[1].operation():
        assert made.rest(-0.5) == 0.5, "the other one's file"
        assert order(made) == [2]
        assert made.rest(-0.5) == 1.0
        assert len(made) == 1
    assert order(made) == [1]
    assert made.rest(0.0) is None
