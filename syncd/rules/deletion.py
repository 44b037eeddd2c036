"""Whether one image is deleted from one account.

An image is condemned when a scan has shown that its last file was deleted (`evidence`). It then
passes three checks. `is_due` needs only what the ledger knows, and precedes the lookup that asks
the account about the image. `may_delete` adds the account's response, and is evaluated again right
before the DELETE is sent. No response to a DELETE is proof: `confirm` decides what a later lookup
shows, and whether a DELETE that failed may be sent again before its effect is known.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from syncd.model import ImageStatus, Listed, Sent

MAX_CLOCK_CHANGE = 300.0
"""Seconds by which the difference of the server's clock and ours may change from an upload to a
lookup. Beyond it, a Date was odd, or a clock was set."""

MAX_SKEWED = 7
"""Daily lookups with clocks that differ from those of the upload, after which an image is kept."""

CLOCK_TOLERANCE = 3.0
"""Seconds by which two of the server's times may differ for the same moment: both are truncated to
whole seconds, and a response takes time."""

RECHECK_INTERVAL = 24 * 3600.0
"""Seconds until the next lookup of an image that is used, or whose deletion was rejected."""

CONFIRM_TIMEOUT = 60.0
"""Seconds at least from a DELETE until an image that is still listed counts as not deleted.
Images were listed as ACTIVE for 20 s after their deletion; the upper bound is unknown."""

FAILED_DELAY = 10.0
"""Seconds from the error response to an image's first DELETE until it is sent again."""

MAX_REPEAT_DELAY = 6 * 3600.0
"""Seconds at most between two DELETE calls for an image that stays listed."""


class Condemned(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of the ledger about one condemned image in one account."""

    held: bool  # the account holds it, or its last DELETE failed and is to be repeated
    wanted: bool  # a file on disk needs it in this account
    hash_needed: bool  # the account holds another image, not condemned, under the same hash
    condemned: bool  # its last file was deleted
    kept: bool  # until the operator releases it
    replacement_held: bool  # the account holds what its file contains now, or the file is gone
    grace_ended: bool
    reviewed: bool  # by a reconcile pass, which holds too many deletions at once for the operator
    awaits_operator: bool  # it is held, and not yet approved
    routed: bool  # the folder of its last file still feeds the account
    propagates: bool  # that folder has deletions = "propagate"
    trusted: bool  # that folder is not suspect


class Finding(Enum):
    """The result of a lookup in the account."""

    FREE = "free"
    """It is listed, unused, and was uploaded by syncd."""
    GONE = "gone"
    USED = "used"
    FOREIGN = "foreign"
    """It was in the account before syncd uploaded it."""
    UNDATED = "undated"
    """The times of this response do not show that; a later response may."""
    SKEWED = "skewed"
    """The clocks differ from those of its upload: its times cannot be compared."""
    INACTIVE = "inactive"
    """Its status is not ACTIVE."""


def is_due(image: Condemned, *, account_open: bool) -> bool:
    """Return whether the ledger's facts allow a deletion, so that the account is asked next.

    account_open: whether the account takes calls now.
    """
    in_account = image.held and image.routed
    needed = image.wanted or image.hash_needed
    decided = (
        image.condemned
        and image.replacement_held
        and not image.kept
        and image.reviewed
        and not image.awaits_operator
    )
    believed = image.propagates and image.trusted
    return account_open and in_account and not needed and decided and image.grace_ended and believed


def may_delete(image: Condemned, finding: Finding, *, account_open: bool) -> bool:
    """Return whether the image's DELETE may be sent now."""
    return is_due(image, account_open=account_open) and finding is Finding.FREE


def classify(
    listed: Listed | None,
    sent: Sent | None,
    clock_offset: float | None,
    before: tuple[float, float] | None = None,
) -> Finding:
    """Return what an account's response means for an image; None when it was not listed.

    `sent` is when syncd first sent the image; `clock_offset` is by how many seconds the server's
    clock is ahead of ours now. `before` is from when until when the image was in the account
    because of syncd, before syncd deleted it, by the server's clock. Whatever the response leaves
    out counts in favour of the image.
    """
    if listed is None or listed.status is ImageStatus.DELETED:
        return Finding.GONE
    if listed.status is not ImageStatus.ACTIVE:
        return Finding.INACTIVE
    if listed.used is not False:
        return Finding.USED
    if sent is None:
        return Finding.FOREIGN
    if listed.created_at is None or clock_offset is None:
        return Finding.UNDATED
    if sent.clock_offset is None or abs(sent.clock_offset - clock_offset) > MAX_CLOCK_CHANGE:
        return Finding.SKEWED
    return Finding.FREE if _is_ours(listed.created_at, sent.at, before) else Finding.FOREIGN


def _is_ours(created_at: float, sent_at: float, before: tuple[float, float] | None) -> bool:
    if created_at >= sent_at - CLOCK_TOLERANCE:
        return True
    if before is None:
        return False
    since, until = before
    return since - CLOCK_TOLERANCE <= created_at <= until + CLOCK_TOLERANCE


class Confirmation(Enum):
    """The result of a lookup after a DELETE."""

    GONE = "gone"
    """It left the account: where a file needs it, it is missing."""
    ABSENT = "absent"
    """It is not there, and the account may yet change: if it is sent again, that is confirmed."""
    WAIT = "wait"
    REPEAT = "repeat"
    """It is still there after a DELETE that failed: the next one need not wait for its effect."""
    PRESENT = "present"
    """The account holds it, and no DELETE can take it away any longer."""
    FOREIGN = "foreign"
    """It was uploaded again, and not by syncd."""


class Unconfirmed(msgspec.Struct, frozen=True, kw_only=True):
    """A DELETE whose effect is not known; times in seconds, `sent_at` by the server's clock."""

    wanted: bool  # a file needs the image again
    resent: bool  # the image was sent again after the DELETE
    sent_at: float | None  # the DELETE
    waited: float  # since the DELETE, or since the image was sent again
    outcome_timeout: float  # from then on, the DELETE has no effect any longer
    failed: bool = False  # the API responded to the DELETE with an error

    @property
    def wait(self) -> float:
        """Seconds, from the begin of `waited`, for which an image that is listed may yet leave."""
        if self.wanted or self.resent:
            return self.outcome_timeout
        return max(CONFIRM_TIMEOUT, self.outcome_timeout)

    @property
    def may_change(self) -> bool:
        """Whether the account may yet change; not after the wall clock was set back."""
        return 0 <= self.waited < self.wait

    @property
    def may_have_effect(self) -> bool:
        """Whether the DELETE may yet have an effect; not after the wall clock was set back."""
        return 0 <= self.waited < self.outcome_timeout


def confirm(listed: Listed | None, image: Unconfirmed) -> Confirmation:
    """Return what a lookup shows after a DELETE."""
    if listed is None or listed.status is ImageStatus.DELETED:
        if image.resent:  # a list may not have it yet
            return Confirmation.WAIT if image.may_change else Confirmation.GONE
        needs_another = image.wanted or image.may_have_effect
        return Confirmation.ABSENT if needs_another else Confirmation.GONE
    is_needed = image.wanted or image.resent
    is_newer = (
        listed.created_at is not None
        and image.sent_at is not None
        and listed.created_at > image.sent_at + CLOCK_TOLERANCE
    )
    if image.may_change:
        may_repeat = image.failed and not is_needed and not is_newer
        return Confirmation.REPEAT if may_repeat else Confirmation.WAIT
    return Confirmation.FOREIGN if is_newer and not is_needed else Confirmation.PRESENT


def repeat_delay(deletes: int, *, failed: bool = False) -> float:
    """Return the seconds until the next DELETE after `deletes` that have had no effect.

    `failed`: the API responded to the last one with an error.
    """
    if failed and deletes == 1:
        return FAILED_DELAY
    quadrupled = min(deletes - 1 - failed, 10)
    return float(min(MAX_REPEAT_DELAY, CONFIRM_TIMEOUT * 4.0**quadrupled))
