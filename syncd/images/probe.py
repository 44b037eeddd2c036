"""The probe of a file's content: is it an image that the API accepts, of which format and size?"""

from __future__ import annotations

import io
from enum import Enum
from typing import BinaryIO

import msgspec

from syncd.images.bmp import bmp_size, is_bmp
from syncd.images.damage import Damaged
from syncd.images.gif import gif_size
from syncd.images.jpeg import jpeg_size
from syncd.images.png import png_size
from syncd.images.signatures import describe
from syncd.images.tiff import tiff_size
from syncd.images.unfinished import REJECTED_AFTER, Unfinished, find_unfinished

HEAD = 512


class Format(Enum):
    """The formats that the API accepts, by media type."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    GIF = "image/gif"
    BMP = "image/bmp"
    TIFF = "image/tiff"

    @property
    def media_type(self) -> str:
        """The value of a Content-Type header."""
        return self.value

    @property
    def extension(self) -> str:
        """The usual extension of a file name."""
        return {Format.JPEG: ".jpg", Format.TIFF: ".tif"}.get(self, f".{self.name.lower()}")


class Picture(msgspec.Struct, frozen=True):
    """An image's format and its size in pixels as stored (an EXIF rotation is not applied)."""

    format: Format
    width: int
    height: int


class Unsupported(msgspec.Struct, frozen=True):
    """A content that the API does not accept, with the reason for the operator."""

    reason: str


Verdict = Picture | Unsupported | Unfinished
"""The verdict about a file."""

BLACK = (Format.BMP, Format.TIFF)
"""The formats that store black pixels as zeros."""

SIZES = {
    Format.JPEG: jpeg_size,
    Format.PNG: png_size,
    Format.GIF: gif_size,
    Format.BMP: bmp_size,
    Format.TIFF: tiff_size,
}
"""The readers of each format's size, which raise Damaged."""


def probe(stream: BinaryIO, *, hole: bool, unchanged: float) -> Verdict:
    """Judge the content of a seekable stream; raise nothing but the stream's OSError.

    A file that decoders show completely is a picture, whatever its header says. `hole` is whether
    a part of the file was never written; `unchanged` is the seconds since its last change.
    """
    stream.seek(0)
    head = stream.read(HEAD)
    kind = _format(head)
    if kind or not head.strip(b"\0"):  # of other formats no part is worth waiting for
        unfinished = find_unfinished(
            stream, hole=hole, unchanged=unchanged, may_be_black=kind in BLACK
        )
        if unfinished and unchanged < REJECTED_AFTER:
            return unfinished
        if unfinished:
            return Unsupported(f"unfinished and unchanged for a day: {unfinished.reason}")
    if kind is None:
        return Unsupported(describe(head))
    try:
        return Picture(kind, *SIZES[kind](stream))
    except Damaged as damage:
        return Unsupported(damage.reason)


def probe_bytes(content: bytes) -> Verdict:
    """Judge bytes that are no longer written, such as those of a download."""
    return probe(io.BytesIO(content), hole=False, unchanged=REJECTED_AFTER)


def _format(head: bytes) -> Format | None:
    if head.startswith(b"\xff\xd8\xff"):
        return Format.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Format.PNG
    if head.startswith((b"GIF87a", b"GIF89a")):
        return Format.GIF
    if head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return Format.TIFF
    return Format.BMP if is_bmp(head) else None
