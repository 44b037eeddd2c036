"""Whether a mirror's images are copied from another account, or uploaded."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from syncd.model import Copying, Digest
from syncd.rules.batch import Candidate

BYTES_PER_CALL = 8 * 2**20
"""Bytes that are worth uploading to save one call: a third of what a POST carries."""

ARRIVAL_TIMEOUT = 2.0
"""Seconds that a mirror waits for the folder's own account to hold a new image."""

RECHECK = 5.0
"""Seconds until a mirror that only copies checks again whether the folder's own account holds an
image. It is also woken as soon as that account does."""


class CopyPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The use of one call for the images of a batch; each image is in exactly one field."""

    copy: Digest | None
    """The image to copy with this call; then `upload` is empty."""
    upload: tuple[Digest, ...]
    """The images to upload with this call."""
    put_back: tuple[Digest, ...]
    """The images for a later call."""
    wait: tuple[Digest, ...]
    """The images that the folder's own account is about to hold."""


def plan_copy(
    batch: Sequence[Candidate], copyable: Mapping[Digest, Copying], expected: Collection[Digest]
) -> CopyPlan:
    """Decide how the images of a batch get into a mirror.

    `copyable` are the images that another account holds and that can still be copied from it, with
    the setting of their folder; `expected` those that the folder's own account is about to hold.
    """
    wait = tuple(c.digest for c in batch if c.digest in expected and c.digest not in copyable)
    rest = [candidate for candidate in batch if candidate.digest not in wait]
    digests = tuple(candidate.digest for candidate in rest)
    size = sum(candidate.size for candidate in rest)
    if digests and digests[0] in copyable and is_copied(copyable[digests[0]], len(rest), size):
        return CopyPlan(copy=digests[0], upload=(), put_back=digests[1:], wait=wait)
    put_back = tuple(d for d in digests if copyable.get(d) is Copying.COPY)
    upload = tuple(digest for digest in digests if digest not in put_back)
    return CopyPlan(copy=None, upload=upload, put_back=put_back, wait=wait)


def is_copied(how: Copying, images: int, size: int) -> bool:
    """Return whether `images` images of `size` bytes in all are copied rather than uploaded.

    A copy takes one call per image and no bytes; an upload takes one call for all of them.
    """
    match how:
        case Copying.COPY:
            return True
        case Copying.UPLOAD:
            return False
        case Copying.AUTO:
            return size > BYTES_PER_CALL * (images - 1)
