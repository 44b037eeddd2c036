"""Which directory at a folder's path is the one that was trusted."""

import itertools

import pytest

from syncd.model import RootIdentity, Stat
from syncd.rules.root import TreeMatch, compare_trees, is_same_root

BEFORE = RootIdentity(device=65024, inode=2, filesystem=7, born_ns=1, unlinked=False)


def root(
    device: int = 65024, inode: int = 2, filesystem: int | None = 7, born_ns: int | None = 1
) -> RootIdentity:
    return RootIdentity(
        device=device, inode=inode, filesystem=filesystem, born_ns=born_ns, unlinked=False
    )


UNKNOWN_BIRTH = root(born_ns=None)
UNKNOWN_FILESYSTEM = root(filesystem=None)
UNKNOWN = root(filesystem=None, born_ns=None)


@pytest.mark.parametrize(
    ("before", "now", "same"),
    [
        (BEFORE, root(), True),
        (BEFORE, root(device=1), True),
        (BEFORE, root(inode=3), False),
        (BEFORE, root(filesystem=8), False),
        (BEFORE, root(born_ns=2), False),
        (BEFORE, UNKNOWN_BIRTH, True),
        (BEFORE, root(born_ns=None, inode=3), False),
        (UNKNOWN_BIRTH, root(inode=3), False),
        (UNKNOWN_FILESYSTEM, root(), True),
        (UNKNOWN_FILESYSTEM, root(born_ns=2), False),
        (BEFORE, UNKNOWN_FILESYSTEM, True),
        (BEFORE, root(filesystem=None, born_ns=2), False),
        (UNKNOWN, UNKNOWN, False),
        (BEFORE, UNKNOWN, False),
        (UNKNOWN, root(), False),
    ],
)
def test_identifiers_that_are_not_reused_decide(
    before: RootIdentity, now: RootIdentity, same: bool
) -> None:
    assert is_same_root(before, now) is same


@pytest.mark.parametrize(("filesystem", "born_ns"), list(itertools.product([None, 7], repeat=2)))
def test_device_and_inode_alone_never_prove_the_same_root(
    filesystem: int | None, born_ns: int | None
) -> None:
    other = root(
        filesystem=None if filesystem is None else filesystem + 1,
        born_ns=None if born_ns is None else born_ns + 1,
    )
    assert not is_same_root(root(filesystem=filesystem, born_ns=born_ns), other)


def stat(size: int = 5, mtime_ns: int = 10, ctime_ns: int = 20) -> Stat:
    return Stat(device=1, inode=2, size=size, mtime_ns=mtime_ns, ctime_ns=ctime_ns)


SAME = (stat(), stat())
TOUCHED = (stat(), stat(ctime_ns=21))
REWRITTEN = (stat(), stat(size=6, mtime_ns=11, ctime_ns=21))
ABSENT = (stat(), None)


@pytest.mark.parametrize(
    ("sample", "match"),
    [
        ([SAME, SAME], TreeMatch.SAME),
        ([SAME, ABSENT], TreeMatch.SAME),
        ([SAME, ABSENT, ABSENT], TreeMatch.OTHER),
        ([SAME, REWRITTEN, REWRITTEN], TreeMatch.OTHER),
        ([SAME, TOUCHED, TOUCHED], TreeMatch.OTHER),
        ([TOUCHED, TOUCHED], TreeMatch.COPY),
        ([TOUCHED, REWRITTEN], TreeMatch.COPY),
        ([TOUCHED, REWRITTEN, ABSENT], TreeMatch.OTHER),
        ([ABSENT], TreeMatch.OTHER),
        ([], TreeMatch.OTHER),
    ],
)
def test_half_of_the_known_files_decide_whether_it_is_the_same_tree(
    sample: list[tuple[Stat, Stat | None]], match: TreeMatch
) -> None:
    assert compare_trees(sample) is match
