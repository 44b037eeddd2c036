"""The size of a TIFF's first image, and whether the file contains all of it.

imagesize reads neither big-endian BigTIFF nor 8-byte sizes, and does not return where the pixels
are, which shows whether a TIFF is truncated. TIFF 6.0, chapter 2; BigTIFF: the same with wider
fields (https://www.awaresystems.be/imaging/tiff/bigtiff.html).
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

import msgspec

WIDTH, HEIGHT = 256, 257
STRIP_OFFSETS, STRIP_SIZES, TILE_OFFSETS, TILE_SIZES = 273, 279, 324, 325
NUMBERS = {1: "B", 3: "H", 4: "I", 16: "Q"}  # a field's type: BYTE, SHORT, LONG, LONG8
MAX_FIELDS = 65_535


class TruncatedImage(Exception):
    """The file refers to bytes after its end."""


class MalformedImage(Exception):
    """The header of the file is not valid."""


class _Layout(msgspec.Struct, frozen=True):
    """The byte order of a TIFF, and the widths of its numbers, in the letters of `struct`."""

    order: str
    count: str
    field: str
    inline: int


class _Field(msgspec.Struct, frozen=True):
    letter: str
    count: int
    value: bytes  # the value itself if it fits, else its offset


def tiff_size(stream: BinaryIO) -> tuple[int, int]:
    """Return width and height in pixels; raise TruncatedImage or MalformedImage."""
    end = stream.seek(0, os.SEEK_END)
    layout, directory = _header(stream, end)
    fields = _fields(stream, end, layout, directory)
    for offsets, sizes in ((STRIP_OFFSETS, STRIP_SIZES), (TILE_OFFSETS, TILE_SIZES)):
        if offsets in fields and sizes in fields:
            start = _last(stream, end, layout, fields[offsets])
            if start + _last(stream, end, layout, fields[sizes]) > end:
                raise TruncatedImage
    if WIDTH not in fields or HEIGHT not in fields:
        raise MalformedImage
    return _last(stream, end, layout, fields[WIDTH]), _last(stream, end, layout, fields[HEIGHT])


def _header(stream: BinaryIO, end: int) -> tuple[_Layout, int]:
    head = _at(stream, end, 0, 8)
    order = "<" if head[:2] == b"II" else ">"
    if head[2:4] in (b"+\0", b"\0+"):
        layout = _Layout(order, f"{order}Q", f"{order}HHQ8s", 8)
        return layout, _number(f"{order}Q", _at(stream, end, 8, 8))
    layout = _Layout(order, f"{order}H", f"{order}HHI4s", 4)
    return layout, _number(f"{order}I", head[4:8])


def _fields(stream: BinaryIO, end: int, layout: _Layout, directory: int) -> dict[int, _Field]:
    width = struct.calcsize(layout.count)
    count = _number(layout.count, _at(stream, end, directory, width))
    if count > MAX_FIELDS:
        raise MalformedImage
    table = _at(stream, end, directory + width, count * struct.calcsize(layout.field))
    return {
        tag: _Field(NUMBERS[number], amount, value)
        for tag, number, amount, value in struct.iter_unpack(layout.field, table)
        if number in NUMBERS and amount
    }


def _last(stream: BinaryIO, end: int, layout: _Layout, field: _Field) -> int:
    letter = layout.order + field.letter
    width = struct.calcsize(letter)
    if width * field.count <= layout.inline:
        return _number(letter, field.value[width * (field.count - 1) : width * field.count])
    offset = _number(f"{layout.order}{'Q' if layout.inline == 8 else 'I'}", field.value)
    return _number(letter, _at(stream, end, offset + width * (field.count - 1), width))


def _at(stream: BinaryIO, end: int, offset: int, size: int) -> bytes:
    if offset + size > end:  # checked first: a seek to any offset might be another error
        raise TruncatedImage
    stream.seek(offset)
    data = stream.read(size)
    if len(data) < size:
        raise TruncatedImage
    return data


def _number(letter: str, data: bytes) -> int:
    (number,) = struct.unpack(letter, data)
    return int(number)
