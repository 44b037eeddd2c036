"""BMP: the size, and whether all rows are there (Windows and OS/2 headers).

The sizes that the header states, of the file and of compressed data, are often wrong, and decoders
ignore them.
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

import msgspec

from syncd.images.damage import Damaged

TRUNCATED = "truncated: the BMP ends before its last row"
NO_SIZE = "damaged: the BMP has no size in its header"

CORE, OS2_SHORT, WINDOWS, OS2, LONGEST = 12, 16, 40, 64, 124  # lengths of the second header
RLE8, RLE4, OS2_RLE24 = 1, 2, 4
UNCOMPRESSED = {0, 3, 6}  # BI_RGB, and with bit fields
MAX_DATA = 4 * 2**20
"""Bytes of compressed rows that are read; an image with more counts as whole."""


class _Header(msgspec.Struct, frozen=True, kw_only=True):
    pixels: int  # where they begin
    length: int
    width: int
    height: int  # negative: the top row is first
    depth: int = 0  # bits per pixel
    compression: int = 0


def is_bmp(head: bytes) -> bool:
    """Return whether a file begins as a BMP: many a text begins with `BM`, too."""
    length = int.from_bytes(head[14:18], "little")
    return head.startswith(b"BM") and (length == CORE or OS2_SHORT <= length <= LONGEST)


def bmp_size(stream: BinaryIO) -> tuple[int, int]:
    """Return width and height in pixels; raise Damaged."""
    header = _header(stream)
    if header.width <= 0 or header.height == 0:
        raise Damaged(NO_SIZE)
    rle = _rle_bits(header)
    if rle:
        is_whole = _has_rows(stream, header, rle)
    elif _is_uncompressed(header):
        row = (header.width * header.depth + 31) // 32 * 4  # decoders read the padding, too
        is_whole = header.pixels + abs(header.height) * row <= stream.seek(0, os.SEEK_END)
    else:  # Huffman codes, or a JPEG or PNG inside: only a decoder can judge
        is_whole = header.pixels < stream.seek(0, os.SEEK_END)
    if not is_whole:
        raise Damaged(TRUNCATED)
    return header.width, abs(header.height)


def _header(stream: BinaryIO) -> _Header:
    stream.seek(0)
    head = stream.read(14 + WINDOWS)
    if len(head) < 26:
        raise Damaged(TRUNCATED)
    pixels, length = struct.unpack_from("<II", head, 10)
    if len(head) < 14 + min(length, WINDOWS):
        raise Damaged(TRUNCATED)
    pixels = max(pixels, 14 + length)
    if length == CORE:
        width, height, depth = struct.unpack_from("<HH2xH", head, 18)
        return _Header(pixels=pixels, length=length, width=width, height=height, depth=depth)
    width, height, depth = struct.unpack_from("<ii2xH", head, 18)
    compression = int.from_bytes(head[30:34], "little") if length >= 20 else 0
    return _Header(
        pixels=pixels,
        length=length,
        width=width,
        height=height,
        depth=depth,
        compression=compression,
    )


def _is_os2(header: _Header) -> bool:
    return header.length < WINDOWS or header.length == OS2


def _is_uncompressed(header: _Header) -> bool:
    return header.compression in ({0} if _is_os2(header) else UNCOMPRESSED)


def _rle_bits(header: _Header) -> int:
    """Return the bits of a pixel in run-length codes; 0: the rows are not compressed so."""
    codes = {RLE8: 8, RLE4: 4} | ({OS2_RLE24: 24} if _is_os2(header) else {})
    return codes.get(header.compression, 0)


def _has_rows(stream: BinaryIO, header: _Header, bits: int) -> bool:
    """Return whether run-length codes reach the end code, or the end of the last row."""
    stream.seek(header.pixels)
    data = stream.read(MAX_DATA)
    run = 1 + max(1, bits // 8)  # bytes of a code for one run
    x = y = position = 0
    while position + 2 <= len(data):
        count, value = data[position], data[position + 1]
        if count:
            x += count
            position += run
            continue
        position += 2
        if value == 1:
            return True
        if value == 0:
            x, y = 0, y + 1
        elif value == 2:
            x += data[position] if position < len(data) else 0
            y += data[position + 1] if position + 1 < len(data) else 0
            position += 2
        else:  # that many pixels follow, padded to 16 bits
            x += value
            position += (value * bits + 15) // 16 * 2
    if len(data) == MAX_DATA:
        return True
    return position <= len(data) and (y, x) >= (abs(header.height) - 1, header.width)
