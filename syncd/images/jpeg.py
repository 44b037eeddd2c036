"""JPEG: the size, and whether an end marker follows the first scan (ITU-T T.81, annex B)."""

from __future__ import annotations

import os
from typing import BinaryIO

from syncd.images.damage import Damaged

TRUNCATED = (
    "truncated: the JPEG has no end marker. Programs may show such a file, but a part may be"
    " missing, so it is not sent: save it again"
)
NO_SIZE = "damaged: the JPEG has no size in its header"
JPEG_LS = "a JPEG-LS image, which the API does not accept: convert it to PNG or JPEG"

END = b"\xff\xd9"
SCAN, START_LS = 0xDA, 0xF7
BARE = {0x00, 0x01, *range(0xD0, 0xD9)}  # without a segment; 0x00 is data, which decoders skip
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # the segments that contain the size
SEGMENTS = 10_000
TAIL = 64 * 1024
CHUNK = 2**20


def jpeg_size(stream: BinaryIO) -> tuple[int, int]:
    """Return width and height in pixels; raise Damaged.

    The end marker of a thumbnail is before the first scan, whose data cannot contain one; the data
    that cameras append (a film, a second image) is after the end marker.
    """
    size, scan = _header(stream)
    if not _has_end(stream, scan):
        raise Damaged(TRUNCATED)
    if 0 in size:
        raise Damaged(NO_SIZE)
    return size


def _header(stream: BinaryIO) -> tuple[tuple[int, int], int]:
    """Return the size, and where the first scan begins."""
    size, position = (0, 0), 2
    for _ in range(SEGMENTS):
        stream.seek(position)
        head = stream.read(9)
        if len(head) < 4:
            break
        marker = head[1]
        if head[0] != 0xFF:  # decoders skip bytes between segments
            position += _bytes_to_marker(stream, position)
        elif marker == 0xFF:  # a fill byte
            position += 1
        elif marker in BARE:
            position += 2
        elif marker == SCAN:
            break
        elif marker == START_LS:
            raise Damaged(JPEG_LS)
        else:
            if marker in FRAMES and len(head) == 9:
                size = int.from_bytes(head[7:9], "big"), int.from_bytes(head[5:7], "big")
            position += 2 + int.from_bytes(head[2:4], "big")
    return size, position


def _bytes_to_marker(stream: BinaryIO, position: int) -> int:
    stream.seek(position)
    chunk = stream.read(CHUNK)
    found = chunk.find(b"\xff")
    return len(chunk) if found < 0 else found


def _has_end(stream: BinaryIO, start: int) -> bool:
    """Return whether the end marker is anywhere from `start` on; it usually is at the end."""
    end = stream.seek(0, os.SEEK_END)
    stream.seek(max(start, end - TAIL))
    if stream.read(TAIL).rfind(END) >= 0:
        return True
    stream.seek(start)
    seam = b""
    while chunk := stream.read(CHUNK):
        if END in seam + chunk:
            return True
        seam = chunk[-1:]
    return False
