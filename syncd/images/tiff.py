"""Size and extent of a TIFF's first picture.

imagesize reads neither big-endian BigTIFF nor 8-byte sizes, and tells nothing of where the pixels
lie, which is how a TIFF that is cut off is known. TIFF 6.0, chapter 2; BigTIFF: the same with
wider fields (https://www.awaresystems.be/imaging/tiff/bigtiff.html).
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

import msgspec

WIDTH, HEIGHT = 256, 257
STRIP_OFFSETS, STRIP_SIZES, TILE_OFFSETS, TILE_SIZES = 273, 279, 324, 325
NUMBERS = {1: "B", 3: "H", 4: "I", 16: "Q"}  # a field's type: BYTE, SHORT, LONG, LONG8
MOST_FIELDS = 65_535


class TruncatedImage(Exception):
    """What the file says of itself lies behind its end."""


class MalformedImage(Exception):
    """What the file says of itself makes no sense."""


class _Kind(msgspec.Struct, frozen=True):
    """How wide the numbers of this TIFF are, and which way round."""

    order: str
    count: str
    field: str
    inline: int


class _Field(msgspec.Struct, frozen=True):
    letter: str
    count: int
    value: bytes  # the value itself where it fits, else the offset where it stands


def tiff_size(stream: BinaryIO) -> tuple[int, int]:
    """Return width and height; raise CutOff or Odd."""
    end = stream.seek(0, os.SEEK_END)
    kind, directory = _header(stream, end)
    fields = _fields(stream, end, kind, directory)
    for offsets, sizes in ((STRIP_OFFSETS, STRIP_SIZES), (TILE_OFFSETS, TILE_SIZES)):
        if offsets in fields and sizes in fields:
            start = _last(stream, end, kind, fields[offsets])
            if start + _last(stream, end, kind, fields[sizes]) > end:
                raise TruncatedImage
    if WIDTH not in fields or HEIGHT not in fields:
        raise MalformedImage
    return _last(stream, end, kind, fields[WIDTH]), _last(stream, end, kind, fields[HEIGHT])


def _header(stream: BinaryIO, end: int) -> tuple[_Kind, int]:
    head = _at(stream, end, 0, 8)
    order = "<" if head[:2] == b"II" else ">"
    if head[2:4] in (b"+\0", b"\0+"):
        kind = _Kind(order, f"{order}Q", f"{order}HHQ8s", 8)
        return kind, _number(f"{order}Q", _at(stream, end, 8, 8))
    kind = _Kind(order, f"{order}H", f"{order}HHI4s", 4)
    return kind, _number(f"{order}I", head[4:8])


def _fields(stream: BinaryIO, end: int, kind: _Kind, directory: int) -> dict[int, _Field]:
    width = struct.calcsize(kind.count)
    count = _number(kind.count, _at(stream, end, directory, width))
    if count > MOST_FIELDS:
        raise MalformedImage
    table = _at(stream, end, directory + width, count * struct.calcsize(kind.field))
    return {
        tag: _Field(NUMBERS[number], many, value)
        for tag, number, many, value in struct.iter_unpack(kind.field, table)
        if number in NUMBERS and many
    }


def _last(stream: BinaryIO, end: int, kind: _Kind, field: _Field) -> int:
    letter = kind.order + field.letter
    width = struct.calcsize(letter)
    if width * field.count <= kind.inline:
        return _number(letter, field.value[width * (field.count - 1) : width * field.count])
    offset = _number(f"{kind.order}{'Q' if kind.inline == 8 else 'I'}", field.value)
    return _number(letter, _at(stream, end, offset + width * (field.count - 1), width))


def _at(stream: BinaryIO, end: int, offset: int, size: int) -> bytes:
    if offset + size > end:  # asked first: a seek out of all bounds is an error of its own
        raise TruncatedImage
    stream.seek(offset)
    data = stream.read(size)
    if len(data) < size:
        raise TruncatedImage
    return data


def _number(letter: str, data: bytes) -> int:
    (number,) = struct.unpack(letter, data)
    return int(number)
