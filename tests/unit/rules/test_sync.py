"""Whether accounts are in sync."""

from itertools import product

from syncd.rules.sync import Sync, sync_of, worst


def test_an_account_is_in_sync_only_if_nothing_is_missing_rejected_or_unread() -> None:
    for missing, rejected, unread, unscanned in product((0, 1), repeat=4):
        state = sync_of(missing=missing, rejected=rejected, unread=unread, unscanned=unscanned)
        if missing or unread or unscanned:
            assert state is Sync.MISSING
        else:
            assert state is (Sync.REJECTED if rejected else Sync.IN_SYNC)


def test_the_worst_account_counts() -> None:
    assert worst([]) is Sync.IN_SYNC
    assert worst([Sync.IN_SYNC, Sync.REJECTED]) is Sync.REJECTED
    assert worst([Sync.MISSING, Sync.IN_SYNC, Sync.REJECTED]) is Sync.MISSING
