"""Files that are not finished: their content shows that a copy or a download has not ended."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import BinaryIO

TAIL = 4096
"""Bytes: a file whose last ones are all zero is not finished. Its size was set before its content,
as many copies and downloads do. No JPEG, PNG or GIF that is whole ends so."""

BLACK_AFTER = 3600.0
"""Seconds without a change after which zeros in a BMP or TIFF are pixels: pictures may be black."""

REJECTED_AFTER = 24 * 3600.0
"""Seconds without a change after which an unfinished file is rejected."""


class Unfinished(StrEnum):
    """Why a file is not finished: a code, which the ledger stores."""

    EMPTY = "empty"
    HOLE = "hole"
    ZEROS = "zeros"

    @property
    def reason(self) -> str:
        """The reason as the operator reads it."""
        match self:
            case Unfinished.EMPTY:
                return "the file is empty"
            case Unfinished.HOLE:
                return "a part of the file was never written (it has a hole)"
            case Unfinished.ZEROS:
                return "the file ends with zeros, as in a copy that has not ended"


def is_unfinished(error: str) -> bool:
    """Return whether what the ledger stores about a file that was not read is such a code."""
    return error in {*Unfinished}


def sentence(error: str) -> str:
    """Return why a file was not read, by what the ledger stores: a code, or an error's text."""
    return f"not finished: {Unfinished(error).reason}" if is_unfinished(error) else error


def find_unfinished(
    stream: BinaryIO, *, hole: bool, unchanged: float, may_be_black: bool
) -> Unfinished | None:
    """Return why a file is not finished; None if it may be.

    hole is whether a part before its end was never written, unchanged the seconds since its last
    change, and may_be_black whether its format stores black pixels as zeros.
    """
    size = stream.seek(0, os.SEEK_END)
    if size == 0:
        return Unfinished.EMPTY
    if may_be_black and unchanged >= BLACK_AFTER:
        return None
    if hole:
        return Unfinished.HOLE
    stream.seek(max(0, size - TAIL))
    return None if stream.read(TAIL).strip(b"\0") else Unfinished.ZEROS
