"""Whether a mirror's images are copied out of another account, or their bytes are sent."""

from __future__ import annotations

from syncd.model import Copying

CALL_IN_BYTES = 8 * 2**20
"""Bytes that are worth sending to save one call: a third of what a POST carries."""

REMEMBERED = 24 * 3600.0
"""Seconds for which a pair of accounts that refused a copy is not asked for one again."""

COMING = 2.0
"""Seconds that a mirror waits for the folder's own account to hold what has just arrived."""


LOOK_FOR_IT = 5.0
"""Seconds after which a mirror that copies alone looks itself whether the account holds by now what
it is about to hold; it is told when it does."""


def is_copied(how: Copying, images: int, size: int) -> bool:
    """Tell whether images that could share a POST, of `size` bytes in all, are copied instead.

    A copy is one call for each, and no bytes; a POST one call for all. So a single one is copied.
    """
    match how:
        case Copying.COPY:
            return True
        case Copying.UPLOAD:
            return False
        case Copying.AUTO:
            return size > CALL_IN_BYTES * (images - 1)
