"""Whether a file's content is a picture that the API takes; its format and size if so."""

from __future__ import annotations

from enum import Enum
from typing import BinaryIO

import imagesize
import msgspec

from syncd.images.signatures import described
from syncd.images.tiff import MalformedImage, TruncatedImage, tiff_size
from syncd.images.truncation import bmp_is_cut_off, gif_is_cut_off, jpeg_is_cut_off, png_is_cut_off

HEAD = 512
OS2_HEADER = 12  # its length, with two 16-bit numbers for the size
MOST_READS = 200_000  # imagesize reads byte by byte through what is no marker
BMP_HEADERS = {length.to_bytes(4, "little") for length in (12, 16, 40, 52, 56, 64, 108, 124)}
"""The lengths that a BMP's second header can have: `BM` alone begins many a text."""


class Format(Enum):
    """The formats that the API takes, by media type."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    GIF = "image/gif"
    BMP = "image/bmp"
    TIFF = "image/tiff"

    @property
    def media_type(self) -> str:
        """As in a Content-Type header."""
        return self.value

    @property
    def extension(self) -> str:
        """The usual end of a file's name."""
        return {Format.JPEG: ".jpg", Format.TIFF: ".tif"}.get(self, f".{self.name.lower()}")


class Picture(msgspec.Struct, frozen=True):
    """A picture, its size in pixels as stored (an EXIF rotation is not applied)."""

    format: Format
    width: int
    height: int


class Unsupported(msgspec.Struct, frozen=True):
    """No picture for the API; the reason is a sentence for an operator."""

    reason: str


class _Senseless(Exception):
    """The header leads nowhere."""


CUT_OFF = {
    Format.JPEG: "cut off: the JPEG has no end marker",
    Format.PNG: "cut off: the PNG has no end chunk",
    Format.GIF: "cut off: the GIF has no trailer",
    Format.BMP: "cut off: the BMP is shorter than its header says",
    Format.TIFF: "cut off: the TIFF is shorter than its header says",
}


def probe(stream: BinaryIO) -> Picture | Unsupported:
    """Judge the content of a seekable stream; only its own OSError is raised."""
    stream.seek(0)
    head = stream.read(HEAD)
    if not head:
        return Unsupported("empty file")
    found = _format(head)
    if found is None:
        return Unsupported(described(head))
    try:
        if _is_cut_off(found, stream):
            return Unsupported(CUT_OFF[found])
        width, height = _size(found, stream, head)
    except TruncatedImage:
        return Unsupported(CUT_OFF[found])
    except (MalformedImage, _Senseless):
        return Unsupported(f"no size in its header: a damaged {found.name}")
    if width <= 0 or height <= 0:
        return Unsupported(f"no size in its header: a damaged {found.name}")
    return Picture(found, width, height)


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


def _is_cut_off(found: Format, stream: BinaryIO) -> bool:
    match found:
        case Format.JPEG:
            return jpeg_is_cut_off(stream)
        case Format.PNG:
            return png_is_cut_off(stream)
        case Format.GIF:
            return gif_is_cut_off(stream)
        case Format.BMP:
            return bmp_is_cut_off(stream)
        case Format.TIFF:
            return False  # told with its size, where both stand


def _size(found: Format, stream: BinaryIO, head: bytes) -> tuple[int, int]:
    if found is Format.TIFF:
        return tiff_size(stream)
    if found is Format.BMP and head[14] == OS2_HEADER:  # imagesize takes it for a Windows one
        return int.from_bytes(head[18:20], "little"), int.from_bytes(head[20:22], "little")
    width, height = _by_imagesize(stream)
    if found is Format.GIF:  # imagesize takes its two numbers for signed
        return width % 65_536, height % 65_536
    return width, height


def _by_imagesize(stream: BinaryIO) -> tuple[int, int]:
    try:
        info = imagesize.get_info(
            _Bounded(stream), dpi=False, colors=False, exif_rotation=False, channels=False
        )
    except OSError:
        raise
    except Exception as error:  # whatever it stumbles over, the header is at fault
        raise _Senseless from error
    return int(info.width), int(info.height)


class _Bounded:
    """A stream that ends after so many reads, so that no content can keep the reader for hours."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._left = MOST_READS

    def read(self, size: int = -1) -> bytes:
        self._left -= 1
        return self._stream.read(size) if self._left > 0 else b""

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)
