"""Whether a picture evidently ends too early; whatever a decoder might still read passes."""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

TAIL = 64 * 1024
CHUNK = 2**20

JPEG_END = b"\xff\xd9"
JPEG_SCAN = 0xDA
JPEG_BARE = {0x01, *range(0xD0, 0xD9)}  # markers without a segment: ITU-T T.81, table B.1
JPEG_SEGMENTS = 10_000

PNG_END = b"IEND"

GIF_TRAILER, GIF_IMAGE, GIF_EXTENSION = b"\x3b", b"\x2c", b"\x21"
GIF_BLOCKS = 1_000_000

BMP_CORE, BMP_CORE_2 = 12, 16  # the lengths of OS/2 headers
BMP_PLAIN = {0, 3, 6}  # not compressed: BI_RGB and with bit fields


def jpeg_is_cut_off(stream: BinaryIO) -> bool:
    """Whether no end marker follows the first scan: within one, its bytes never stand so.

    A thumbnail's end stands before the scan; what cameras append (a film, a second picture) behind.
    """
    return not _has(stream, JPEG_END, _jpeg_scan(stream))


def png_is_cut_off(stream: BinaryIO) -> bool:
    """Whether there is no IEND chunk."""
    return not _has(stream, PNG_END, 8)


def gif_is_cut_off(stream: BinaryIO) -> bool:
    """Whether the file ends before its trailer, or within a block."""
    end = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, end - TAIL))
    if stream.read(TAIL).rstrip(b"\0\r\n").endswith(GIF_TRAILER):
        return False
    stream.seek(10)
    flags = stream.read(3)[:1]
    if not flags:
        return True
    _skip_colours(stream, flags[0])
    return _gif_blocks_end_early(stream)


def bmp_is_cut_off(stream: BinaryIO) -> bool:
    """Whether pixels are missing; the file's size in the header is often wrong, and not asked."""
    end = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    head = stream.read(38)
    if len(head) < 26:
        return True
    pixels, header = struct.unpack_from("<II", head, 10)
    if header == BMP_CORE:
        width, height, depth = struct.unpack_from("<HH2xH", head, 18)
        compression, stated = 0, 0
    elif len(head) < 38:
        return True
    else:
        width, height, depth, compression, stated = struct.unpack_from("<ii2xHII", head, 18)
    if header == BMP_CORE_2:  # ends before the last two
        compression = 0
    row = (width * depth + 31) // 32 * 4
    needed = row * (abs(height) - 1) if compression in BMP_PLAIN else stated
    return bool(pixels + needed > end)


def _jpeg_scan(stream: BinaryIO) -> int:
    """Return where the first scan begins; in a file that reads oddly, where the oddness does."""
    position = 2
    for _ in range(JPEG_SEGMENTS):
        stream.seek(position)
        head = stream.read(4)
        if len(head) < 4 or head[0] != 0xFF or head[1] == JPEG_SCAN:
            break
        if head[1] == 0xFF:  # a fill byte
            position += 1
        elif head[1] in JPEG_BARE:
            position += 2
        else:
            position += 2 + int.from_bytes(head[2:4], "big")
    return position


def _gif_blocks_end_early(stream: BinaryIO) -> bool:
    for _ in range(GIF_BLOCKS):
        kind = stream.read(1)
        if kind == GIF_IMAGE:
            flags = stream.read(9)[8:]
            if flags:
                _skip_colours(stream, flags[0])
        elif kind and kind != GIF_EXTENSION:
            return False  # the trailer, or what only a decoder can judge
        stream.seek(1, os.SEEK_CUR)  # the extension's label, or the least code size
        if not _skip_data(stream):
            return True
    return False


def _skip_colours(stream: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        stream.seek(3 * 2 ** ((flags & 7) + 1), os.SEEK_CUR)


def _skip_data(stream: BinaryIO) -> bool:
    """Skip sub-blocks to their terminator; return whether there was one."""
    for _ in range(GIF_BLOCKS):
        size = stream.read(1)
        if not size:
            return False
        if size == b"\0":
            return True
        stream.seek(size[0], os.SEEK_CUR)
    return True


def _has(stream: BinaryIO, mark: bytes, start: int) -> bool:
    """Whether the mark stands anywhere from `start` on: mostly at the end, so look there first."""
    end = stream.seek(0, os.SEEK_END)
    stream.seek(max(start, end - TAIL))
    if stream.read(TAIL).rfind(mark) >= 0:  # from the end: that is where it is, mostly
        return True
    stream.seek(start)
    seam = b""
    while chunk := stream.read(CHUNK):
        if mark in seam + chunk:
            return True
        seam = chunk[1 - len(mark) :]
    return False
