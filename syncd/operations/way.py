"""The ways in which an operator's images are sent; commands load it without the client."""

from __future__ import annotations

from enum import StrEnum


class Way(StrEnum):
    """How images are sent."""

    FILES = "files"
    BYTES = "bytes"
    ZIP = "zip"
