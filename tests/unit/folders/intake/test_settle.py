"""The settling files of one folder: fresh ones go first, and each place waits once."""

from hypothesis import given
from hypothesis import strategies as st

from syncd.folders.intake.settle import Found, Settling
from syncd.ledger.files import Place
from syncd.model import Stat

S = 1_000_000_000
NOW_NS = 1_700_000_000 * S
SETTLE = 2.0


def found(
    number: int, *, fresh: bool, age: float = 100, version: int = 0, since: float = 0.0
) -> Found:
    stat = Stat(
        device=1, inode=number, size=10 + version, mtime_ns=0, ctime_ns=NOW_NS - int(age * S)
    )
    return Found(Place(1, b"d", b"%d.jpg" % number), b"/root", stat, since, fresh)


def numbers(batch: list[Found]) -> list[int]:
    return [one.stat.inode for one in batch]


def take(settling: Settling, limit: int = 64, now: float = 0.0, *reading: Place) -> list[Found]:
    return settling.take(limit, 1000, now, NOW_NS + int(now * S), reading)


def settling_of(*files: Found) -> Settling:
    settling = Settling(SETTLE)
    for one in files:
        settling.add(one, 0.0, NOW_NS)
    return settling


def test_a_fresh_file_goes_before_files_that_a_scan_found() -> None:
    settling = settling_of(*(found(n, fresh=False) for n in range(100)), found(100, fresh=True))
    assert numbers(take(settling, 3)) == [100, 0, 1]


def test_a_file_that_a_scan_found_becomes_fresh_by_an_event() -> None:
    settling = settling_of(found(1, fresh=False), found(2, fresh=False), found(2, fresh=True))
    assert (settling.fresh, settling.scanned, len(settling)) == (1, 1, 2)
    assert numbers(take(settling)) == [2, 1]
    assert (settling.fresh, settling.scanned, len(settling)) == (0, 0, 0)


def test_a_fresh_file_stays_fresh_when_a_scan_finds_it_changed() -> None:
    settling = settling_of(found(1, fresh=True), found(1, fresh=False, version=1))
    [taken] = take(settling)
    assert taken.fresh
    assert taken.stat.size == 11


def test_a_file_settles_from_its_last_change_on() -> None:
    settling = settling_of(found(1, fresh=True, age=0))
    assert settling.next_due == SETTLE
    assert take(settling, now=1.9) == []
    rewritten = found(1, fresh=True, age=-1.9, version=1, since=1.9)
    settling.add(rewritten, 1.9, NOW_NS + int(1.9 * S))
    assert take(settling, now=2.0) == []
    assert numbers(take(settling, now=3.9)) == [1]


def test_a_file_that_is_being_read_is_not_taken_again_meanwhile() -> None:
    one = found(1, fresh=True)
    settling = settling_of(one)
    assert take(settling, 64, 0.0, one.place) == []
    assert one.place in settling
    due = settling.next_due
    assert due is not None
    assert due > 0
    assert numbers(take(settling, now=due)) == [1]


def test_a_batch_ends_when_it_is_large() -> None:
    settling = settling_of(*(found(n, fresh=True) for n in range(10)))
    assert len(settling.take(64, 35, 0.0, NOW_NS, ())) == 4  # of ten bytes each
    assert len(settling.take(64, 35, 0.0, NOW_NS, ())) == 4


@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 2)), max_size=30),
    st.integers(1, 4),
)
def test_each_place_is_taken_once_as_it_was_last_found(
    offers: list[tuple[int, bool, int]], limit: int
) -> None:
    settling = settling_of(*(found(n, fresh=fresh, version=v) for n, fresh, v in offers))
    last = {n: v for n, _, v in offers}
    assert len(settling) == settling.fresh + settling.scanned == len(last)
    taken: list[Found] = []
    while batch := take(settling, limit):
        taken += batch
    assert {one.stat.inode: one.stat.size - 10 for one in taken} == last
    assert len(taken) == len(last)
    assert len(settling) == settling.fresh + settling.scanned == 0
