"""The results of operations on several images."""

from __future__ import annotations

import msgspec

from syncd.model import ImageHash


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The result for one file or image; `why` is why it failed and what to do, or None."""

    file: str | None = None
    hash: ImageHash | None = None
    name: str | None = None
    state: str = "failed"
    why: str | None = None


NOT_TRIED = "not tried: the operation ended before it"
"""The reason of what follows an error that is about the whole account."""
