"""GIF: the size, and whether its images are whole (GIF89a specification, 1990).

Decoders need neither the trailer nor the terminator of the last image's data. Where the file does
not end with both, the codes of the last image are counted: they show whether pixels are missing.
Most decoders drop a block that the file does not contain completely, so its codes are not counted.
Walking the blocks takes 22 µs for 160 KB, whose SHA-256 takes 78 µs.
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

import msgspec

from syncd.images.damage import Damaged

TRUNCATED = "truncated: the GIF ends before its image does"
NO_IMAGE = "damaged: the GIF contains no image"
NO_SIZE = "damaged: the GIF has no size in its header"

TRAILER, IMAGE, EXTENSION = b"\x3b", b"\x2c", b"\x21"
GRAPHIC_CONTROL = b"\xf9"  # the extension that precedes an image
BLOCKS = 200_000
FIRST_READ, MAX_READ = 256, 64 * 1024
MAX_CODE_SIZE, MAX_TABLE = 11, 4096
MAX_DATA = 2 * 2**20
"""Bytes of image data whose codes are counted (0.3 s per MiB); more counts as truncated."""


class _Image(msgspec.Struct, frozen=True):
    """An image of the file: its number of pixels, and where its data begins."""

    pixels: int
    data: int


def gif_size(stream: BinaryIO) -> tuple[int, int]:
    """Return width and height in pixels; raise Damaged.

    A file whose screen has no size is as large as its first image.
    """
    stream.seek(0)
    head = stream.read(13)
    if len(head) < 13:
        raise Damaged(TRUNCATED)
    width, height, flags = struct.unpack_from("<HHB", head, 6)
    _skip_color_table(stream, flags)
    image: _Image | None = None
    announced = False  # another image, by its graphic control extension
    for _ in range(BLOCKS):
        kind = stream.read(1)
        if kind == EXTENSION:
            announced = stream.read(1) == GRAPHIC_CONTROL or announced
            if not _skip_data(stream):
                raise Damaged(TRUNCATED)
        elif kind == IMAGE:
            descriptor = stream.read(9)
            if len(descriptor) < 9:
                raise Damaged(TRUNCATED)
            left, top, columns, rows, flags = struct.unpack("<HHHHB", descriptor)
            width, height = width or left + columns, height or top + rows
            _skip_color_table(stream, flags)
            image, announced = _Image(columns * rows, stream.tell()), False
            stream.seek(1, os.SEEK_CUR)  # the minimum code size
            _skip_data(stream)
        elif kind == TRAILER and image is not None:
            break
        elif kind != b"\0":  # decoders skip these
            _check_end(stream, image, at_end=not kind, announced=announced)
            break
    if not width or not height:
        raise Damaged(NO_SIZE)
    return width, height


def _check_end(stream: BinaryIO, image: _Image | None, *, at_end: bool, announced: bool) -> None:
    """Raise Damaged unless the images are whole in a file without a trailer after them."""
    if image is None:
        raise Damaged(TRUNCATED if at_end else NO_IMAGE)
    if (at_end and announced) or not _is_whole(stream, image):
        raise Damaged(TRUNCATED)


def _skip_color_table(stream: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        stream.seek(3 * 2 ** ((flags & 7) + 1), os.SEEK_CUR)


def _skip_data(stream: BinaryIO) -> bool:
    """Skip sub-blocks to their terminator; return whether there was one."""
    size = FIRST_READ
    while chunk := stream.read(size):
        position = 0
        while position < len(chunk):
            length = chunk[position]
            position += length + 1
            if not length:
                stream.seek(position - len(chunk), os.SEEK_CUR)
                return True
        stream.seek(position - len(chunk), os.SEEK_CUR)
        size = min(2 * size, MAX_READ)
    return False


def _is_whole(stream: BinaryIO, image: _Image) -> bool:
    """Return whether the image's data has an end code, or codes for all of its pixels."""
    stream.seek(image.data)
    data = stream.read(1 + MAX_DATA)
    code_size, position = data[0] if data else MAX_CODE_SIZE + 1, 1
    if code_size > MAX_CODE_SIZE:
        return False
    codes = bytearray()
    while position < len(data) and (length := data[position]) and position + length < len(data):
        codes += data[position + 1 : position + 1 + length]
        position += 1 + length
    return _has_pixels(codes, code_size, image.pixels)


def _has_pixels(data: bytes | bytearray, code_size: int, pixels: int) -> bool:
    """Return whether LZW codes end, or reach a number of pixels; only lengths are computed."""
    clear, end = 1 << code_size, (1 << code_size) + 1
    lengths = [1] * (end + 1)  # of the pixels that each code stands for
    width, previous, bits, available = code_size + 1, 0, 0, 0
    for byte in data:
        bits |= byte << available
        available += 8
        while available >= width:
            code = bits & ((1 << width) - 1)
            bits >>= width
            available -= width
            if code == clear:
                del lengths[end + 1 :]
                width, previous = code_size + 1, 0
                continue
            if code == end:
                return True
            if code > len(lengths) - (not previous):
                return False
            if previous and len(lengths) < MAX_TABLE:
                lengths.append(previous + 1)
                if len(lengths) == 1 << width and width < 12:
                    width += 1
            previous = lengths[code]
            pixels -= previous
            if pixels <= 0:
                return True
    return False
