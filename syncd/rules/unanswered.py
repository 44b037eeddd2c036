"""Which image of an account was sent by a call whose response never arrived.

The process was killed, or the connection ended, after the server had taken the image. As long as a
file needs it, it is sent again, and that response names its hash. Once its last file was deleted,
only a list of the account can show the hash. A doubt counts against a listed image: one that is not
found stays in the account, and a wrong one would be deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TypeAlias

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
    hashes: Iterable[ImageHash] = (),
    others: Collection[ImageHash] = (),
) -> Listed | None:
    """Return the listed image that these calls sent; None unless exactly one can be it.

    `pixels` is the image's width and height; the same bytes had `hashes` elsewhere or before.
    `others` are the hashes that responses have given to images of the account: a file that was
    rewritten leaves several images with its name. The image was created within `outcome_timeout`
    seconds of the first or the last call in one of the ways; calls between these are not
    remembered. It has the hash of a copy's source or one of `hashes`, or else one of the names, the
    same pixels and none of the hashes in `others`.
    """
    copied = {call.sent_as.hash for call in calls if isinstance(call.sent_as, Copied)}
    known = copied | set(hashes)
    names = {normalized(call.sent_as.name) for call in calls if isinstance(call.sent_as, Named)}
    times = [at for call in calls for at in (call.first_at, call.last_at)]

    def may_be_sent(one: Listed) -> bool:
        """Return whether no field that the list contains excludes it."""
        has_name = one.name is None or normalized(one.name) in names
        has_pixels = None in (one.pixels, pixels) or one.pixels == pixels
        in_time = one.created_at is None or any(
            at - CLOCK_TOLERANCE <= one.created_at <= at + outcome_timeout + CLOCK_TOLERANCE
            for at in times
        )
        is_like = has_name and has_pixels and one.hash not in others
        return in_time and (one.hash in known or is_like)

    present = {one.hash: one for one in listed if one.status is not ImageStatus.DELETED}
    possible = [one for one in present.values() if may_be_sent(one)]
    if len(possible) != 1:
        return None
    (one,) = possible
    is_same = one.hash in known or None not in (one.name, one.pixels, pixels)
    return one if is_same and one.created_at is not None else None
