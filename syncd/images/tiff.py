"""TIFF: the size of the first image, and whether the file contains all of it.

TIFF 6.0, chapter 2; BigTIFF: the same with wider fields
(https://www.awaresystems.be/imaging/tiff/bigtiff.html).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from itertools import zip_longest
from typing import BinaryIO

import msgspec

from syncd.images.damage import Damaged

TRUNCATED = "truncated: the TIFF is shorter than its header says"
NO_SIZE = "damaged: the TIFF has no size in its header"
NO_DATA = "damaged: the TIFF has no image data in its header"

WIDTH, HEIGHT, BITS, COMPRESSION, SAMPLES, PLANAR = 256, 257, 258, 259, 277, 284
STRIP_OFFSETS, ROWS_PER_STRIP, STRIP_SIZES = 273, 278, 279
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_SIZES = 322, 323, 324, 325
OLD_JPEG = 513  # the position of a JPEG inside, which some files have instead of strips
NUMBERS = dict(zip((1, 7, 3, 4, 16, 6, 8, 9, 17, 13, 18), "BBHIQbhiqIQ", strict=True))
"""A field's type: BYTE, UNDEFINED, SHORT, LONG, LONG8; the signed ones; IFD, IFD8."""

NEEDED = (BITS, 280, 281, 320, 338, 339, 340, 341, 347)
"""Fields besides the position of the pixels that decoders need: what the samples are, their limits
and formats, a palette, the tables of a JPEG. Where the samples' fields cannot be read, libtiff
shows nothing; it ignores a description or a resolution that it cannot read."""
UNCOMPRESSED, SEPARATE_PLANES = 1, 2
MAX_FIELDS = 65_535
MAX_NUMBERS = 200_000  # of one field that are read


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


class _Directory:
    """The numbers of an image's fields, by tag."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.end = stream.seek(0, os.SEEK_END)
        self._layout, start = self._header()
        self._fields = self._read(start)

    def __contains__(self, tag: int) -> bool:
        return tag in self._fields

    def first(self, tag: int, default: int = 0) -> int:
        """Return the first number of a field."""
        return self.all(tag)[0] if tag in self else default

    def all(self, tag: int) -> tuple[int, ...]:
        """Return the first MAX_NUMBERS numbers of a field; empty: there is no such field.

        Raises Damaged if the file ends before the last of all its numbers.
        """
        if tag not in self:
            return ()
        field, layout = self._fields[tag], self._layout
        width = struct.calcsize(layout.order + field.letter)
        count = min(field.count, MAX_NUMBERS)
        data = field.value[: width * count]
        if width * field.count > layout.inline:
            offset = _number(f"{layout.order}{'Q' if layout.inline == 8 else 'I'}", field.value)
            self._at(offset + width * (field.count - 1), width)
            data = self._at(offset, width * count)
        return struct.unpack(f"{layout.order}{count}{field.letter}", data)

    def _header(self) -> tuple[_Layout, int]:
        head = self._at(0, 8)
        order = "<" if head[:2] == b"II" else ">"
        if head[2:4] in (b"+\0", b"\0+"):
            layout = _Layout(order, f"{order}Q", f"{order}HHQ8s", 8)
            return layout, _number(f"{order}Q", self._at(8, 8))
        layout = _Layout(order, f"{order}H", f"{order}HHI4s", 4)
        return layout, _number(f"{order}I", head[4:8])

    def _read(self, start: int) -> dict[int, _Field]:
        layout = self._layout
        width = struct.calcsize(layout.count)
        count = _number(layout.count, self._at(start, width))
        if count > MAX_FIELDS:
            raise Damaged(NO_SIZE)
        table = self._at(start + width, count * struct.calcsize(layout.field))
        return {
            tag: _Field(NUMBERS[number], amount, value)
            for tag, number, amount, value in struct.iter_unpack(layout.field, table)
            if number in NUMBERS and amount
        }

    def _at(self, offset: int, size: int) -> bytes:
        if offset + size > self.end:  # checked first: a seek to any offset might be another error
            raise Damaged(TRUNCATED)
        self._stream.seek(offset)
        data = self._stream.read(size)
        if len(data) < size:
            raise Damaged(TRUNCATED)
        return data


def tiff_size(stream: BinaryIO) -> tuple[int, int]:
    """Return width and height in pixels; raise Damaged.

    Of pixels that are not compressed decoders ignore the stated sizes: their rows are counted.
    """
    directory = _Directory(stream)
    width, height = directory.first(WIDTH), directory.first(HEIGHT)
    if width <= 0 or height <= 0:
        raise Damaged(NO_SIZE)
    for tag in NEEDED:
        directory.all(tag)  # raises Damaged if it is after the end
    tiled = TILE_OFFSETS in directory
    offsets = directory.all(TILE_OFFSETS if tiled else STRIP_OFFSETS)
    if not offsets and OLD_JPEG not in directory:
        raise Damaged(NO_DATA)
    sizes = directory.all(TILE_SIZES if tiled else STRIP_SIZES)
    counted: Iterator[int] = iter(())
    if directory.first(COMPRESSION, UNCOMPRESSED) == UNCOMPRESSED:
        counted = _tiles(directory, offsets) if tiled else _strips(directory, offsets)
    for offset, stated, real in zip_longest(offsets, sizes[: len(offsets)], counted):
        if offset and offset + min(stated or real or 1, real or stated or 1) > directory.end:
            raise Damaged(TRUNCATED)
    return width, height


def _strips(directory: _Directory, offsets: tuple[int, ...]) -> Iterator[int]:
    """Yield the number of bytes of each strip; the last one of a plane may have fewer rows."""
    height = directory.first(HEIGHT)
    rows = min(max(1, directory.first(ROWS_PER_STRIP, height)), height)
    in_plane = -(-height // rows)
    row = _row(directory, directory.first(WIDTH))
    for number in range(len(offsets)):
        yield row * min(rows, height - number % in_plane * rows)


def _tiles(directory: _Directory, offsets: tuple[int, ...]) -> Iterator[int]:
    """Yield the number of bytes of each tile."""
    size = _row(directory, directory.first(TILE_WIDTH)) * directory.first(TILE_HEIGHT)
    yield from (size for _ in offsets)


def _row(directory: _Directory, width: int) -> int:
    """Return the bytes of one row of `width` pixels."""
    bits, samples = directory.all(BITS) or (1,), directory.first(SAMPLES, 1)
    if directory.first(PLANAR, 1) == SEPARATE_PLANES:
        pixel = bits[0]
    else:
        pixel = sum(bits) if len(bits) == samples else bits[0] * samples
    return (width * pixel + 7) // 8


def _number(letter: str, data: bytes) -> int:
    (number,) = struct.unpack(letter, data)
    return int(number)
