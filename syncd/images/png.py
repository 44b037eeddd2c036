"""PNG: the size, and whether its critical chunks are whole (ISO/IEC 15948).

The checksums of other chunks are not compared: decoders ignore them. Comparing them takes 40 µs for
265 KB, whose SHA-256 takes 129 µs.
"""

from __future__ import annotations

import struct
from typing import BinaryIO
from zlib import crc32

from syncd.images.damage import Damaged

TRUNCATED = "truncated: the PNG has no end chunk"
NO_SIZE = "damaged: the PNG has no size in its header"
CGBI = (
    "a PNG that Xcode has converted for iPhones (CgBI), which the API does not accept: use the"
    " original, or convert it to a standard PNG"
)

MAX_CHUNKS = 200_000
PIECE = 2**20  # bytes of a chunk that are read at once


def png_size(stream: BinaryIO) -> tuple[int, int]:
    """Return width and height in pixels; raise Damaged."""
    size, has_data, position = (0, 0), False, 8
    for number in range(MAX_CHUNKS):
        stream.seek(position)
        head = stream.read(8)
        if len(head) < 8:
            raise Damaged(TRUNCATED)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind == b"CgBI":
            raise Damaged(CGBI)
        if number == 0 and kind != b"IHDR":
            raise Damaged(NO_SIZE)
        if not kind.isalpha():
            raise Damaged("damaged: the PNG has bytes between its chunks")
        if kind[:1].isupper():  # critical
            _compare_checksum(stream, kind, length)
        if kind == b"IHDR":
            stream.seek(position + 8)
            size = _numbers(stream.read(8))
        has_data = has_data or (kind == b"IDAT" and length > 0)
        if kind == b"IEND":
            break
        position += 12 + length
    if 0 in size:
        raise Damaged(NO_SIZE)
    if not has_data:
        raise Damaged("damaged: the PNG has no image data (no IDAT chunk)")
    return size


def _compare_checksum(stream: BinaryIO, kind: bytes, length: int) -> None:
    found = crc32(kind)
    while length:
        piece = stream.read(min(length, PIECE))
        if not piece:
            raise Damaged(TRUNCATED)
        found = crc32(piece, found)
        length -= len(piece)
    stated = stream.read(4)
    if len(stated) < 4:
        raise Damaged(TRUNCATED)
    if found != int.from_bytes(stated, "big"):
        raise Damaged(f"damaged: the checksum of a PNG chunk is wrong ({kind.decode()})")


def _numbers(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", data)
    return int(width), int(height)
