"""The results of operations on several images."""

from __future__ import annotations

import msgspec

from syncd.model import ImageHash


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one file or image; `error` is what happened and what to do, or None."""

    file: str | None = None
    hash: ImageHash | None = None
    name: str | None = None
    state: str = "failed"
    error: str | None = None


NOT_TRIED = "not tried: the operation ended before it"
"""The error of what follows one that is about the whole account."""
