"""When a file has settled, and whether it changed recently."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.folders.intake.settle import is_recent, time_to_settle
from syncd.model import Stat

S = 1_000_000_000
NOW = 1_700_000_000 * S


def stat(mtime_ns: int, ctime_ns: int) -> Stat:
    return Stat(device=1, inode=2, size=3, mtime_ns=mtime_ns, ctime_ns=ctime_ns)


@pytest.mark.parametrize(
    ("mtime", "ctime", "seen_for", "left"),
    [
        (-10, -10, 0.0, 0.0),  # old
        (-1, -10, 0.0, 1.0),  # written a second ago
        (-1000, -1, 0.0, 1.0),  # copied with its old date, a second ago
        (0, 0, 0.0, 2.0),
        (0, 0, 1.5, 0.5),
        (3600, 0, 0.0, 2.0),  # dated in the future
        (3600, 3600, 1.5, 0.5),  # the clock was set back: the time it was seen counts
        (3600, 3600, 2.0, 0.0),
    ],
)
def test_a_file_waits_until_it_has_settled(
    mtime: float, ctime: float, seen_for: float, left: float
) -> None:
    there = stat(NOW + int(mtime * S), NOW + int(ctime * S))
    assert time_to_settle(there, seen_for, NOW, 2.0) == pytest.approx(left)


ns = st.integers(-(2**63), 2**64)


@given(ns, ns, ns, st.floats(0, 1e6), st.floats(0, 3600))
def test_a_file_never_waits_longer_than_it_is_seen_to_settle(
    mtime: int, ctime: int, wall: int, seen_for: float, settle: float
) -> None:
    left = time_to_settle(stat(mtime, ctime), seen_for, wall, settle)
    assert 0 <= left <= settle
    assert left <= max(0.0, settle - seen_for)
    assert time_to_settle(stat(mtime, ctime), settle, wall, settle) == 0


@pytest.mark.parametrize(
    ("mtime", "ctime", "recent"),
    [
        (-3600, -3600, False),
        (-3600, -1, True),  # copied with its old date, or renamed, a second ago
        (0, -3600, False),  # the mtime was set
        (0, 3600, False),  # the clock was set back
        (0, 1, True),  # by the clock of a file server
    ],
)
def test_a_file_is_recent_by_its_ctime(mtime: float, ctime: float, recent: bool) -> None:
    there = stat(NOW + int(mtime * S), NOW + int(ctime * S))
    assert is_recent(there, NOW, 60.0) is recent
