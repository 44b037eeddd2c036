"""Inspection of an image's bytes: its format, whether they are complete, its size and its hash."""

from __future__ import annotations

import enum
import hashlib
import io
import struct
import zlib

import imagesize

from syncd.sandbox.errors import call_error
from syncd.sandbox.switches import Switches
from syncd.sandbox.values import ImageHash, Picture

ZIP_MARK = b"PK\x03\x04"


class Format(enum.Enum):
    """Formats by their first bytes. Meta's pages name bmp, jpeg, gif and png."""

    JPEG = (b"\xff\xd8\xff",)
    PNG = (b"\x89PNG\r\n\x1a\n",)
    GIF = (b"GIF87a", b"GIF89a")
    BMP = (b"BM",)
    TIFF = (b"II*\0", b"MM\0*")


EXTENSIONS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".zip"}
)


def format_of(content: bytes) -> Format | None:
    """Return the format of these bytes; None when it is not accepted."""
    return next((kind for kind in Format if content.startswith(kind.value)), None)


def is_complete(content: bytes, kind: Format) -> bool:
    """Return whether a file has the end that its format requires."""
    match kind:
        case Format.JPEG:
            # The last scan must have an end marker; a thumbnail in the metadata has its own.
            # Inside a scan 0xFF is always stuffed, so the last marker found is a marker.
            return 0 <= content.rfind(b"\xff\xda") < content.rfind(b"\xff\xd9")
        case Format.PNG:
            return b"IEND" in content
        case Format.GIF:
            return _gif_ends(content)
        case Format.BMP:
            return len(content) >= 26 and len(content) >= struct.unpack_from("<I", content, 2)[0]
        case Format.TIFF:
            return True  # its directory can be anywhere, and the size was found in it


def canonical(content: bytes, kind: Format) -> bytes:
    """Return a file without its metadata and without what follows its end."""
    match kind:
        case Format.JPEG:
            return _jpeg_picture(content)
        case Format.PNG:
            return _png_picture(content)
        case _:
            return content


def _gif_ends(content: bytes) -> bool:
    """Return whether a GIF's blocks lead to its trailer."""
    at = 13 + _colour_table(content, 10)
    while at < len(content):
        match content[at]:
            case 0x3B:
                return True
            case 0x21:
                at += 2
            case 0x2C:
                at += 11 + _colour_table(content, at + 9)
            case _:
                return False
        while at < len(content) and content[at]:
            at += 1 + content[at]
        at += 1
    return False


def _colour_table(content: bytes, at: int) -> int:
    """Return the size of the colour table that the flags at position `at` announce."""
    flags = content[at] if at < len(content) else 0
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _jpeg_picture(content: bytes) -> bytes:
    kept, at = [], 2
    while at + 4 <= len(content) and content[at] == 0xFF and content[at + 1] != 0xDA:
        marker, length = content[at + 1], struct.unpack_from(">H", content, at + 2)[0]
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept.append(content[at : at + 2 + length])
        at += 2 + length
    kept.append(content[at : content.rfind(b"\xff\xd9") + 2])
    return b"".join(kept)


def _png_picture(content: bytes) -> bytes:
    kept, at = [], 8
    while at + 12 <= len(content):
        length, name = struct.unpack_from(">I4s", content, at)
        # A capital first letter marks a chunk that the picture needs.
        if name[:1].isupper():
            kept.append(content[at : at + 12 + length])
        at += 12 + length
        if name == b"IEND":
            break
    return b"".join(kept)


def examine(content: bytes, switches: Switches) -> Picture:
    """Return the picture in these bytes; raise the edge's error when they are not an image."""
    kind = format_of(content)
    if kind is None:
        raise call_error("100/1487411")
    if len(content) > switches.max_image_bytes:
        raise call_error("100/2490361")
    original_width, original_height = imagesize.get(io.BytesIO(content), exif_rotation=False)
    if min(original_width, original_height) < 1 or not is_complete(content, kind):
        raise call_error("100/1487197")
    width, height = imagesize.get(io.BytesIO(content))
    digest = hashlib.sha256(content)
    return Picture(
        hash=_hash(content, kind, digest.digest(), switches),
        sha256=digest.hexdigest(),
        size=len(content),
        width=width,
        height=height,
        original_width=original_width,
        original_height=original_height,
    )


def _hash(content: bytes, kind: Format, digest: bytes, switches: Switches) -> ImageHash:
    # The real hash is made after transcoding: it looks like an MD5 of what was sent, and is not.
    # Nothing is transcoded here; a digest of the digest has the same properties.
    if switches.transcoding == "same_picture":
        digest = hashlib.sha256(canonical(content, kind)).digest()
    made = hashlib.md5(b"transcoded " + digest, usedforsecurity=False)
    return ImageHash(made.hexdigest())


def white(width: int, height: int) -> bytes:
    """Return a PNG of white pixels, one bit each."""
    rows = zlib.compress((b"\0" + b"\xff" * -(-width // 8)) * height, 1)
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
