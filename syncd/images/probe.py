"""The probe of a file's content: is it an image that the API accepts, of which format and size?"""

from __future__ import annotations

from enum import Enum
from typing import BinaryIO

import imagesize
import msgspec

from syncd.images.signatures import describe
from syncd.images.tiff import MalformedImage, TruncatedImage, tiff_size
from syncd.images.truncation import (
    is_bmp_truncated,
    is_gif_truncated,
    is_jpeg_truncated,
    is_png_truncated,
)

HEAD = 512
OS2_HEADER = 12  # the length of a header with two 16-bit numbers for the size
MAX_READS = 200_000  # imagesize reads byte by byte through anything that is not a marker
BMP_HEADERS = {length.to_bytes(4, "little") for length in (12, 16, 40, 52, 56, 64, 108, 124)}
"""The lengths that a BMP's second header can have: many a text begins with `BM`, too."""


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


TRUNCATED = {
    Format.JPEG: "truncated: the JPEG has no end marker",
    Format.PNG: "truncated: the PNG has no end chunk",
    Format.GIF: "truncated: the GIF has no trailer",
    Format.BMP: "truncated: the BMP is shorter than its header says",
    Format.TIFF: "truncated: the TIFF is shorter than its header says",
}


def probe(stream: BinaryIO) -> Picture | Unsupported:
    """Judge the content of a seekable stream; raise nothing but the stream's OSError."""
    stream.seek(0)
    head = stream.read(HEAD)
    if not head:
        return Unsupported("empty file")
    kind = _format(head)
    if kind is None:
        return Unsupported(describe(head))
    try:
        if _is_truncated(kind, stream):
            return Unsupported(TRUNCATED[kind])
        width, height = _size(kind, stream, head)
    except TruncatedImage:
        return Unsupported(TRUNCATED[kind])
    except MalformedImage:
        width = height = 0
    if width <= 0 or height <= 0:
        return Unsupported(f"damaged: the {kind.name} has no size in its header")
    return Picture(kind, width, height)


def _format(head: bytes) -> Format | None:
    if head.startswith(b"\xff\xd8\xff"):
        return Format.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Format.PNG
    if head.startswith((b"GIF87a", b"GIF89a")):
        return Format.GIF
    if head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return Format.TIFF
    if head.startswith(b"BM") and head[14:18] in BMP_HEADERS:
        return Format.BMP
    return None


def _is_truncated(kind: Format, stream: BinaryIO) -> bool:
    match kind:
        case Format.JPEG:
            return is_jpeg_truncated(stream)
        case Format.PNG:
            return is_png_truncated(stream)
        case Format.GIF:
            return is_gif_truncated(stream)
        case Format.BMP:
            return is_bmp_truncated(stream)
        case Format.TIFF:
            return False  # tiff_size raises TruncatedImage


def _size(kind: Format, stream: BinaryIO, head: bytes) -> tuple[int, int]:
    if kind is Format.TIFF:
        return tiff_size(stream)
    if kind is Format.BMP and head[14] == OS2_HEADER:  # imagesize reads it as a Windows header
        return int.from_bytes(head[18:20], "little"), int.from_bytes(head[20:22], "little")
    width, height = _size_by_imagesize(stream)
    if kind is Format.GIF:  # imagesize reads its two numbers as signed
        return width % 65_536, height % 65_536
    return width, height


def _size_by_imagesize(stream: BinaryIO) -> tuple[int, int]:
    try:
        info = imagesize.get_info(
            _Bounded(stream), dpi=False, colors=False, exif_rotation=False, channels=False
        )
    except OSError:
        raise
    except Exception as error:  # any other error is caused by the header
        raise MalformedImage from error
    return int(info.width), int(info.height)


class _Bounded:
    """A stream that ends after MAX_READS, so that no content can occupy the reader for hours."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._left = MAX_READS

    def read(self, size: int = -1) -> bytes:
        self._left -= 1
        return self._stream.read(size) if self._left > 0 else b""

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)
