"""Every combination of facts about a deletion, against sentences that must hold for all of them."""

from collections.abc import Callable
from itertools import product

import pytest
from msgspec.structs import fields, replace

from syncd.model import ImageHash, ImageStatus, Listed
from syncd.rules.deletion import (
    CLOCK_TOLERANCE,
    CONFIRM_TIMEOUT,
    MAX_REPEAT_DELAY,
    Condemned,
    Confirmation,
    Finding,
    Unconfirmed,
    classify,
    confirm,
    is_due,
    may_delete,
    may_repeat,
    repeat_delay,
)

SENT = 1_000_000.0
OURS = Listed(
    hash=ImageHash("aa"), name="a.jpg", status=ImageStatus.ACTIVE, created_at=SENT + 5, used=False
)

EVERY_LISTED = [
    Listed(hash=ImageHash("aa"), name=None, status=status, created_at=created, used=used)
    for status, created, used in product(
        ImageStatus,
        (None, 0.0, SENT - CLOCK_TOLERANCE - 1, SENT - CLOCK_TOLERANCE, SENT, SENT + 9),
        (None, True, False),
    )
]

FACTS = [field.name for field in fields(Condemned)]
EVERY_CONDEMNED = [
    Condemned(**dict(zip(FACTS, values, strict=True)))
    for values in product((False, True), repeat=len(FACTS))
]

Situation = tuple[Condemned, Finding, bool]
"""An image, what the account lists of it, and whether the account takes calls."""

EVERY_SITUATION: list[Situation] = list(product(EVERY_CONDEMNED, Finding, (False, True)))

NEVER_DELETED: dict[str, Callable[[Condemned, Finding, bool], bool]] = {
    "an image that a file needs": lambda image, _finding, _open: image.wanted,
    "an image whose hash another image needs": lambda image, _finding, _open: image.hash_needed,
    "an image that a creative or an ad uses": lambda _image, finding, _open: (
        finding is Finding.USED
    ),
    "an image that was in the account before": lambda _image, finding, _open: (
        finding is Finding.FOREIGN
    ),
    "an image that is not active": lambda _image, finding, _open: finding is Finding.INACTIVE,
    "an image that the account does not list": lambda _image, finding, _open: (
        finding is Finding.GONE
    ),
    "an image that the ledger does not hold": lambda image, _finding, _open: not image.held,
    "an image that is not condemned": lambda image, _finding, _open: not image.condemned,
    "a kept image": lambda image, _finding, _open: image.kept,
    "an image in its grace period": lambda image, _finding, _open: not image.grace_ended,
    "an image that no reconcile pass has seen": lambda image, _finding, _open: not image.reviewed,
    "an image that awaits the operator": lambda image, _finding, _open: image.awaits_operator,
    "an image of a folder that no longer feeds the account": lambda image, _finding, _open: (
        not image.routed
    ),
    "an image of a folder that keeps its images": lambda image, _finding, _open: (
        not image.propagates
    ),
    "an image of a suspect folder": lambda image, _finding, _open: not image.trusted,
    "an image in an account that takes no calls": lambda _image, _finding, is_open: not is_open,
}


@pytest.mark.parametrize("sentence", NEVER_DELETED)
def test_it_is_never_deleted(sentence: str) -> None:
    is_such = NEVER_DELETED[sentence]
    such = [situation for situation in EVERY_SITUATION if is_such(*situation)]
    assert such
    assert [(i, f, o) for i, f, o in such if may_delete(i, f, account_open=o)] == []


def test_an_image_outside_all_these_sentences_is_deleted() -> None:
    deleted = [(i, f, o) for i, f, o in EVERY_SITUATION if may_delete(i, f, account_open=o)]
    assert deleted
    assert deleted == [
        situation
        for situation in EVERY_SITUATION
        if not any(is_such(*situation) for is_such in NEVER_DELETED.values())
    ]


def test_the_account_is_asked_about_exactly_the_images_that_a_lookup_could_free() -> None:
    for image, account_open in product(EVERY_CONDEMNED, (False, True)):
        could_delete = any(may_delete(image, f, account_open=account_open) for f in Finding)
        assert is_due(image, account_open=account_open) == could_delete


def test_a_free_image_is_active_and_unused_and_was_created_after_it_was_sent() -> None:
    for listed, sent_at in product(EVERY_LISTED, (None, SENT)):
        free = classify(listed, sent_at) is Finding.FREE
        assert free == (
            listed.status is ImageStatus.ACTIVE
            and listed.used is False
            and listed.created_at is not None
            and sent_at is not None
            and listed.created_at >= sent_at - CLOCK_TOLERANCE
        ), listed


@pytest.mark.parametrize(
    ("listed", "finding"),
    [
        (OURS, Finding.FREE),
        (None, Finding.GONE),
        (replace(OURS, status=ImageStatus.DELETED), Finding.GONE),
        (replace(OURS, status=ImageStatus.DELETED, used=True), Finding.GONE),
        (replace(OURS, status=ImageStatus.INTERNAL), Finding.INACTIVE),
        (replace(OURS, status=ImageStatus.UNKNOWN), Finding.INACTIVE),
        (replace(OURS, used=True), Finding.USED),
        (replace(OURS, used=None), Finding.USED),
        (replace(OURS, created_at=SENT - 3600), Finding.FOREIGN),
        (replace(OURS, created_at=SENT - CLOCK_TOLERANCE), Finding.FREE),
        (replace(OURS, created_at=SENT - CLOCK_TOLERANCE - 1), Finding.FOREIGN),
        (replace(OURS, created_at=None), Finding.FOREIGN),
    ],
)
def test_a_listed_image_has_one_finding(listed: Listed | None, finding: Finding) -> None:
    assert classify(listed, SENT) is finding


def test_an_image_sent_at_an_unknown_time_counts_as_foreign() -> None:
    assert classify(OURS, None) is Finding.FOREIGN


def test_a_deletion_is_repeated_only_for_an_unused_image_that_is_older_than_the_deletion() -> None:
    for listed, deleted_at, waited in product(
        EVERY_LISTED,
        (None, SENT),
        (0.0, CONFIRM_TIMEOUT - 1, CONFIRM_TIMEOUT, 10 * CONFIRM_TIMEOUT),
    ):
        repeated = confirm(listed, deleted_at, waited) is Confirmation.REPEAT
        assert repeated == (
            listed.status is not ImageStatus.DELETED
            and waited >= CONFIRM_TIMEOUT
            and deleted_at is not None
            and listed.created_at is not None
            and listed.created_at <= deleted_at + CLOCK_TOLERANCE
            and listed.used is False
        ), listed


@pytest.mark.parametrize("confirmation", Confirmation)
def test_a_deletion_is_repeated_only_while_its_image_is_condemned_and_not_held_again(
    confirmation: Confirmation,
) -> None:
    for condemned, held in product((False, True), repeat=2):
        image = Unconfirmed(condemned=condemned, held=held)
        expected = confirmation is Confirmation.REPEAT and condemned and not held
        assert may_repeat(image, confirmation) == expected


@pytest.mark.parametrize(
    ("listed", "waited", "confirmation"),
    [
        (None, 0.0, Confirmation.GONE),
        (replace(OURS, status=ImageStatus.DELETED), 0.0, Confirmation.GONE),
        (replace(OURS, created_at=SENT - 60), 1.0, Confirmation.WAIT),
        (replace(OURS, created_at=SENT - 60), CONFIRM_TIMEOUT, Confirmation.REPEAT),
        (replace(OURS, created_at=SENT + 60), CONFIRM_TIMEOUT, Confirmation.KEEP),
        (replace(OURS, created_at=SENT - 60, used=True), CONFIRM_TIMEOUT, Confirmation.KEEP),
    ],
)
def test_a_lookup_after_a_deletion_has_one_confirmation(
    listed: Listed | None, waited: float, confirmation: Confirmation
) -> None:
    assert confirm(listed, SENT, waited) is confirmation


def test_the_delay_between_repeated_deletions_grows_up_to_its_limit() -> None:
    delays = [repeat_delay(deletes) for deletes in range(1, 30)]
    assert delays[0] == CONFIRM_TIMEOUT
    assert delays == sorted(delays)
    assert delays[-1] == MAX_REPEAT_DELAY
