"""Which images share one POST."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from syncd.model import Digest


class Candidate(msgspec.Struct, frozen=True):
    """An image that may go: its size in bytes, and with how many at most it may share."""

    digest: Digest
    size: int
    limit: int


def choose_pack(
    candidates: Sequence[Candidate], images: int, size: int
) -> tuple[list[Candidate], list[Candidate]]:
    """Return the images of the next POST, and those that wait for another.

    The first always goes. Others join it in order while images and bytes allow, and only those of
    its own limit: an image under suspicion shares with its fellow suspects alone.
    """
    if not candidates:
        return [], []
    first, *others = candidates
    pack, rest, room = [first], [], size - first.size
    for candidate in others:
        joins = (
            len(pack) < min(images, first.limit)
            and candidate.limit == first.limit
            and candidate.size <= room
        )
        if joins:
            pack.append(candidate)
            room -= candidate.size
        else:
            rest.append(candidate)
    return pack, rest
