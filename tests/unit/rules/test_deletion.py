"""Every combination of facts about a deletion, against sentences that must hold for all of them."""

from collections.abc import Callable
from itertools import product

import pytest
from msgspec.structs import fields, replace

from syncd.model import ImageHash, ImageStatus, Listed, Sent
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
    "an image whose age is in doubt": lambda _image, finding, _open: finding is Finding.UNDATED,
    "an image uploaded by other clocks": lambda _image, finding, _open: finding is Finding.SKEWED,
    "an image that is not active": lambda _image, finding, _open: finding is Finding.INACTIVE,
    "an image that the account does not list": lambda _image, finding, _open: (
        finding is Finding.GONE
    ),
    "an image that the ledger does not hold": lambda image, _finding, _open: not image.held,
    "an image that is not condemned": lambda image, _finding, _open: not image.condemned,
    "an image whose replacement is not held": lambda image, _finding, _open: (
        not image.replacement_held
    ),
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
    for listed, sent in product(EVERY_LISTED, (None, Sent(SENT, 0), Sent(SENT, None))):
        free = classify(listed, sent, 0.0) is Finding.FREE
        assert free == (
            listed.status is ImageStatus.ACTIVE
            and listed.used is False
            and listed.created_at is not None
            and sent is not None
            and sent.clock_offset is not None
            and listed.created_at >= sent.at - CLOCK_TOLERANCE
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
        (replace(OURS, created_at=None), Finding.UNDATED),
    ],
)
def test_a_listed_image_has_one_finding(listed: Listed | None, finding: Finding) -> None:
    assert classify(listed, Sent(SENT, 0), 0.0) is finding


def test_an_image_sent_at_an_unknown_time_counts_as_foreign() -> None:
    assert classify(OURS, None, 0.0) is Finding.FOREIGN


@pytest.mark.parametrize("created_at", [SENT - 3600, SENT + 5])
@pytest.mark.parametrize(
    ("at_upload", "at_lookup", "finding"),
    [
        (0, None, Finding.UNDATED),
        (None, 0.0, Finding.SKEWED),
        (0, 301.0, Finding.SKEWED),
        (0, -301.0, Finding.SKEWED),
        (7200, 0.0, Finding.SKEWED),
        (7200, 7200.0 + 300, None),
        (-86400, -86400.0, None),
    ],
)
def test_times_are_compared_only_if_the_clocks_are_as_at_the_upload(
    created_at: float, at_upload: int | None, at_lookup: float | None, finding: Finding | None
) -> None:
    expected = Finding.FREE if created_at > SENT else Finding.FOREIGN
    found = classify(replace(OURS, created_at=created_at), Sent(SENT, at_upload), at_lookup)
    assert found is (finding or expected)


@pytest.mark.parametrize(
    ("created_at", "finding"),
    [
        (SENT - 901, Finding.FREE),
        (SENT - 599, Finding.FREE),
        (SENT - 950, Finding.FOREIGN),
        (SENT - 300, Finding.FOREIGN),
    ],
)
def test_an_image_that_syncd_deleted_stays_its_own_when_it_keeps_its_first_time(
    created_at: float, finding: Finding
) -> None:
    listed = replace(OURS, created_at=created_at)
    assert classify(listed, Sent(SENT, 0), 0.0, (SENT - 900, SENT - 600)) is finding


TIMEOUT = 10.0
WAITS = (-1.0, 0.0, TIMEOUT - 1, TIMEOUT, CONFIRM_TIMEOUT - 1, CONFIRM_TIMEOUT, 1e6)

EVERY_UNCONFIRMED = [
    Unconfirmed(
        wanted=wanted,
        resent=resent,
        sent_at=sent_at,
        waited=waited,
        outcome_timeout=TIMEOUT,
        failed=failed,
    )
    for wanted, resent, sent_at, waited, failed in product(
        (False, True), (False, True), (None, SENT), WAITS, (False, True)
    )
]


def test_an_absent_image_that_a_file_needs_is_sent_again_at_once() -> None:
    for image in EVERY_UNCONFIRMED:
        if image.wanted and not image.resent:
            assert confirm(None, image) is Confirmation.ABSENT


def test_an_image_that_a_file_needs_is_held_only_once_the_calls_before_have_ended() -> None:
    for listed, image in product(EVERY_LISTED, EVERY_UNCONFIRMED):
        if image.wanted and listed.status is not ImageStatus.DELETED:
            has_ended = not 0 <= image.waited < TIMEOUT
            expected = Confirmation.PRESENT if has_ended else Confirmation.WAIT
            assert confirm(listed, image) is expected


def test_an_image_that_was_sent_again_is_missing_only_once_a_list_must_have_it() -> None:
    for image in EVERY_UNCONFIRMED:
        if image.resent:
            expected = Confirmation.WAIT if image.may_change else Confirmation.GONE
            assert confirm(None, image) is expected


def test_an_image_that_no_file_needs_is_not_deleted_again_if_it_is_newer_than_its_deletion() -> (
    None
):
    for listed, image in product(EVERY_LISTED, EVERY_UNCONFIRMED):
        is_newer = listed.created_at is not None and listed.created_at > SENT + CLOCK_TOLERANCE
        if is_newer and image.sent_at and not image.wanted and not image.resent:
            assert confirm(listed, image) is not Confirmation.PRESENT


@pytest.mark.parametrize(
    ("listed", "waited", "confirmation"),
    [
        (None, 0.0, Confirmation.ABSENT),
        (None, TIMEOUT - 1, Confirmation.ABSENT),
        (None, TIMEOUT, Confirmation.GONE),
        (None, -1.0, Confirmation.GONE),
        (replace(OURS, status=ImageStatus.DELETED), TIMEOUT, Confirmation.GONE),
        (replace(OURS, created_at=SENT - 60), 1.0, Confirmation.WAIT),
        (replace(OURS, created_at=SENT - 60), TIMEOUT, Confirmation.WAIT),
        (replace(OURS, created_at=SENT - 60), CONFIRM_TIMEOUT, Confirmation.PRESENT),
        (replace(OURS, created_at=SENT + 60), CONFIRM_TIMEOUT, Confirmation.FOREIGN),
        (replace(OURS, created_at=SENT - 60, used=True), CONFIRM_TIMEOUT, Confirmation.PRESENT),
    ],
)
def test_a_lookup_after_the_deletion_of_an_unwanted_image_has_one_confirmation(
    listed: Listed | None, waited: float, confirmation: Confirmation
) -> None:
    image = Unconfirmed(
        wanted=False, resent=False, sent_at=SENT, waited=waited, outcome_timeout=TIMEOUT
    )
    assert confirm(listed, image) is confirmation


def test_only_the_failed_deletion_of_an_image_that_no_file_needs_is_repeated_early() -> None:
    repeated = []
    for listed, image in product([None, *EVERY_LISTED], EVERY_UNCONFIRMED):
        if confirm(listed, image) is Confirmation.REPEAT:
            repeated.append(image)
            assert listed is not None
            assert listed.status is not ImageStatus.DELETED
            assert image.failed
            assert image.may_change
            assert not image.wanted
            assert not image.resent
            assert image.sent_at is None or (listed.created_at or 0) <= SENT + CLOCK_TOLERANCE
    assert repeated


def test_a_deletion_that_failed_has_the_confirmations_of_others_where_it_is_not_repeated() -> None:
    for listed, image in product([None, *EVERY_LISTED], EVERY_UNCONFIRMED):
        found, other = confirm(listed, image), confirm(listed, replace(image, failed=False))
        assert other is not Confirmation.REPEAT
        assert found is other or (found, other) == (Confirmation.REPEAT, Confirmation.WAIT)


@pytest.mark.parametrize("failed", [False, True])
def test_the_delay_between_repeated_deletions_grows_up_to_its_limit(failed: bool) -> None:
    delays = [repeat_delay(deletes, failed=failed) for deletes in range(1, 30)]
    assert delays[:4] == ([10, 60, 240, 960] if failed else [60, 240, 960, 3840])
    assert delays == sorted(delays)
    assert delays[-1] == MAX_REPEAT_DELAY
