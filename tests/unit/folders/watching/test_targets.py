"""Scan targets that are part of other targets."""

from syncd.folders.watching.targets import MAX_FILES, ScanTarget, coalesced


def test_a_target_that_is_part_of_another_one_is_dropped() -> None:
    one, other = (
        ScanTarget(b"a", deep=False, file=b"1.jpg"),
        ScanTarget(b"a", deep=False, file=b"2.jpg"),
    )
    directory, tree = ScanTarget(b"a", deep=False), ScanTarget(b"a", deep=True)
    below = ScanTarget(b"a/b", deep=False, file=b"1.jpg")
    assert coalesced([one, other, below]) == {one, other, below}
    assert coalesced([one, other, below, directory]) == {directory, below}
    assert coalesced([one, below, directory, tree]) == {tree}


def test_many_files_of_a_directory_become_the_directory() -> None:
    directory = ScanTarget(b"a", deep=False)
    below = ScanTarget(b"a/b", deep=False, file=b"1.jpg")
    many = [ScanTarget(b"a", deep=False, file=b"%d" % i) for i in range(MAX_FILES + 1)]
    assert coalesced(many[1:]) == set(many[1:])
    assert coalesced([*many, below]) == {directory, below}
