"""Truncation of images: a file is truncated if its end is evidently missing.

A file that a decoder might still read counts as complete.
"""

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
BMP_UNCOMPRESSED = {0, 3, 6}  # BI_RGB, and with bit fields


def is_jpeg_truncated(stream: BinaryIO) -> bool:
    """Return whether no end marker follows the first scan, whose data cannot contain one.

    The end marker of a thumbnail is before the scan; the data that cameras append (a film, a
    second image) is after the marker.
    """
    return not _has(stream, JPEG_END, _jpeg_scan(stream))


def is_png_truncated(stream: BinaryIO) -> bool:
    """Return whether there is no IEND chunk."""
    return not _has(stream, PNG_END, 8)


def is_gif_truncated(stream: BinaryIO) -> bool:
    """Return whether the file ends before its trailer, or within a block."""
    end = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, end - TAIL))
    if stream.read(TAIL).rstrip(b"\0\r\n").endswith(GIF_TRAILER):
        return False
    stream.seek(10)
    flags = stream.read(3)[:1]
    if not flags:
        return True
    _skip_color_table(stream, flags[0])
    return _is_gif_block_truncated(stream)


def is_bmp_truncated(stream: BinaryIO) -> bool:
    """Return whether pixels are missing; the file size in the header is often wrong, so unused."""
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
    if header == BMP_CORE_2:  # it ends before these two fields
        compression = 0
    row = (width * depth + 31) // 32 * 4
    needed = row * (abs(height) - 1) if compression in BMP_UNCOMPRESSED else stated
    return bool(pixels + needed > end)


def _jpeg_scan(stream: BinaryIO) -> int:
    """Return where the first scan begins, or where the segments are not valid."""
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


def _is_gif_block_truncated(stream: BinaryIO) -> bool:
    for _ in range(GIF_BLOCKS):
        kind = stream.read(1)
        if kind == GIF_IMAGE:
            flags = stream.read(9)[8:]
            if flags:
                _skip_color_table(stream, flags[0])
        elif kind and kind != GIF_EXTENSION:
            return False  # the trailer, or data that only a decoder can judge
        stream.seek(1, os.SEEK_CUR)  # the extension's label, or the minimum code size
        if not _skip_data(stream):
            return True
    return False


def _skip_color_table(stream: BinaryIO, flags: int) -> None:
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
    """Return whether the mark is anywhere from `start` on; it usually is at the end."""
    end = stream.seek(0, os.SEEK_END)
    stream.seek(max(start, end - TAIL))
    if stream.read(TAIL).rfind(mark) >= 0:
        return True
    stream.seek(start)
    seam = b""
    while chunk := stream.read(CHUNK):
        if mark in seam + chunk:
            return True
        seam = chunk[1 - len(mark) :]
    return False
