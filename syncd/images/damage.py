"""Damage of an image file that its structure shows, without decoding."""

from __future__ import annotations


class Damaged(Exception):
    """The file is not a whole image; `reason` is for the operator."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
