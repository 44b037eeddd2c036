"""Which image of an account was sent by a call whose response never arrived.

The process was killed, or the connection ended, after the server had taken the image. As long as a
file needs it, it is sent again, and that response names its hash. Once its last file was deleted,
only a list of the account can show the hash. A doubt counts against a listed image: one that is not
found stays in the account, and a wrong one would be deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias, assert_never

import msgspec

from syncd.model import ImageHash, ImageStatus, Listed
from syncd.rules.batch import normalized
from syncd.rules.deletion import CLOCK_TOLERANCE


class Named(msgspec.Struct, frozen=True):
    """Uploaded under a name."""

    name: str


class Copied(msgspec.Struct, frozen=True):
    """Copied from another account, which has the image under this hash."""

    hash: ImageHash


SentAs: TypeAlias = Named | Copied


class SentCalls(msgspec.Struct, frozen=True):
    """Calls that sent an image in one way, without a response; times by the server's clock."""

    sent_as: SentAs
    first_at: float
    last_at: float


def sent_image(
    calls: Sequence[SentCalls],
    pixels: tuple[int, int] | None,
    listed: Iterable[Listed],
    outcome_timeout: float,
) -> Listed | None:
    """Return the listed image that these calls sent; None unless exactly one can be it.

    `pixels` is the image's width and height. A copy has the hash of its source. An uploaded image
    has its name and the same pixels, and was created within `outcome_timeout` seconds of the first
    call or of the last one; calls between them are not remembered.
    """
    present = {one.hash: one for one in listed if one.status is not ImageStatus.DELETED}
    possible = [
        one
        for one in present.values()
        if any(_may_have_sent(call, one, pixels, outcome_timeout) for call in calls)
    ]
    if len(possible) != 1:
        return None
    (one,) = possible
    is_copy = any(call.sent_as == Copied(one.hash) for call in calls)
    is_certain = None not in (one.name, one.pixels, one.created_at, pixels)
    return one if is_copy or is_certain else None


def _may_have_sent(
    calls: SentCalls, one: Listed, pixels: tuple[int, int] | None, outcome_timeout: float
) -> bool:
    """Return whether nothing that the list contains excludes that the calls sent the image."""
    match calls.sent_as:
        case Copied(source_hash):
            return one.hash == source_hash
        case Named(name):
            has_name = one.name is None or normalized(one.name) == normalized(name)
            has_pixels = None in (one.pixels, pixels) or one.pixels == pixels
            return has_name and has_pixels and _is_in_time(one, calls, outcome_timeout)
        case _:
            assert_never(calls.sent_as)


def _is_in_time(one: Listed, calls: SentCalls, outcome_timeout: float) -> bool:
    return one.created_at is None or any(
        at - CLOCK_TOLERANCE <= one.created_at <= at + outcome_timeout + CLOCK_TOLERANCE
        for at in (calls.first_at, calls.last_at)
    )
