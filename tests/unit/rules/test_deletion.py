"""What an account's word makes of an image that is about to be deleted, or has been."""

from itertools import product

import pytest
from msgspec.structs import replace

from syncd.model import ImageHash, ImageStatus, Listed
from syncd.rules.deletion import (
    CLOCKS,
    LONGEST,
    PATIENCE,
    Confirmation,
    Finding,
    confirm,
    find,
    next_look,
)

SENT = 1_000_000.0
OURS = Listed(ImageHash("aa"), "a.jpg", ImageStatus.ACTIVE, SENT + 5, used=False)

EVERY = [
    Listed(ImageHash("aa"), None, status, created, used)
    for status, created, used in product(
        ImageStatus,
        (None, 0.0, SENT - CLOCKS - 1, SENT - CLOCKS, SENT, SENT + 9),
        (None, True, False),
    )
]


def test_what_is_free_is_active_unused_and_came_after_we_sent_it() -> None:
    for listed, sent_at in product(EVERY, (None, SENT)):
        free = find(listed, sent_at) is Finding.FREE
        assert free == (
            listed.status is ImageStatus.ACTIVE
            and listed.used is False
            and listed.created_at is not None
            and sent_at is not None
            and listed.created_at >= sent_at - CLOCKS
        ), listed


@pytest.mark.parametrize(
    ("listed", "finding"),
    [
        (OURS, Finding.FREE),
        (None, Finding.GONE),
        (replace(OURS, status=ImageStatus.DELETED), Finding.GONE),
        (replace(OURS, status=ImageStatus.DELETED, used=True), Finding.GONE),
        (replace(OURS, status=ImageStatus.INTERNAL), Finding.INTERNAL),
        (replace(OURS, status=ImageStatus.UNKNOWN), Finding.INTERNAL),
        (replace(OURS, used=True), Finding.USED),
        (replace(OURS, used=None), Finding.USED),
        (replace(OURS, created_at=SENT - 3600), Finding.THEIRS),
        (replace(OURS, created_at=SENT - CLOCKS), Finding.FREE),
        (replace(OURS, created_at=SENT - CLOCKS - 1), Finding.THEIRS),
        (replace(OURS, created_at=None), Finding.THEIRS),
    ],
)
def test_an_account_s_word(listed: Listed | None, finding: Finding) -> None:
    assert find(listed, SENT) is finding


def test_what_was_sent_nobody_knows_when_is_let_be() -> None:
    assert find(OURS, None) is Finding.THEIRS


def test_a_deletion_is_asked_for_again_only_of_what_is_surely_the_same_image() -> None:
    for listed, asked_at, waited in product(
        EVERY, (None, SENT), (0.0, PATIENCE - 1, PATIENCE, 10 * PATIENCE)
    ):
        again = confirm(listed, asked_at, waited) is Confirmation.AGAIN
        assert again == (
            listed.status is not ImageStatus.DELETED
            and waited >= PATIENCE
            and asked_at is not None
            and listed.created_at is not None
            and listed.created_at <= asked_at + CLOCKS
            and listed.used is False
        ), listed


@pytest.mark.parametrize(
    ("listed", "waited", "confirmation"),
    [
        (None, 0.0, Confirmation.GONE),
        (replace(OURS, status=ImageStatus.DELETED), 0.0, Confirmation.GONE),
        (replace(OURS, created_at=SENT - 60), 1.0, Confirmation.WAIT),
        (replace(OURS, created_at=SENT - 60), PATIENCE, Confirmation.AGAIN),
        (replace(OURS, created_at=SENT + 60), PATIENCE, Confirmation.LET_BE),
        (replace(OURS, created_at=SENT - 60, used=True), PATIENCE, Confirmation.LET_BE),
    ],
)
def test_a_look_after_a_deletion(
    listed: Listed | None, waited: float, confirmation: Confirmation
) -> None:
    assert confirm(listed, SENT, waited) is confirmation


def test_looks_come_slower_each_time_and_never_slower_than_the_longest() -> None:
    waits = [next_look(asked) for asked in range(1, 30)]
    assert waits[0] == PATIENCE
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST
