"""Generated pictures as PNG, GIF and BMP: landscapes with dunes and a sun, about 100 KB each."""

from __future__ import annotations

import math
import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Canvas:
    """A picture; pixels are indexes into a palette of 256 RGB colours, row by row from the top."""

    width: int
    height: int
    pixels: bytes
    palette: bytes

    def rows(self) -> list[bytes]:
        """Return the pixels of each row, from the top."""
        size = self.width
        return [self.pixels[at : at + size] for at in range(0, len(self.pixels), size)]


def png(canvas: Canvas) -> bytes:
    """Return the picture as PNG (w3.org/TR/png-3)."""
    header = struct.pack(">IIBBBBB", canvas.width, canvas.height, 8, 3, 0, 0, 0)
    lines = b"".join(b"\0" + row for row in canvas.rows())
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", canvas.palette),
            _chunk(b"IDAT", zlib.compress(lines, 1)),
            _chunk(b"IEND", b""),
        )
    )


def gif(canvas: Canvas) -> bytes:
    """Return the picture as GIF89a with 128 colours (w3.org/Graphics/GIF/spec-gif89a.txt).

    The LZW table is cleared before codes need more than eight bits, so that each code is one byte.
    """
    clear, end, most = b"\x80", b"\x81", 126
    halved = canvas.pixels.translate(bytes(shade // 2 for shade in range(256)))
    runs = (halved[at : at + most] for at in range(0, len(halved), most))
    codes = clear + clear.join(runs) + end
    blocks = (codes[at : at + 255] for at in range(0, len(codes), 255))
    palette = b"".join(canvas.palette[at : at + 3] for at in range(0, 768, 6))
    return b"".join(
        (
            b"GIF89a" + struct.pack("<HHBBB", canvas.width, canvas.height, 0xF6, 0, 0) + palette,
            b"," + struct.pack("<HHHHB", 0, 0, canvas.width, canvas.height, 0) + b"\x07",
            *(bytes([len(block)]) + block for block in blocks),
            b"\0;",
        )
    )


def bmp(canvas: Canvas) -> bytes:
    """Return the picture as BMP; the width must be a multiple of 4."""
    start = 14 + 40 + 1024
    size = start + len(canvas.pixels)
    colours = (canvas.palette[at : at + 3] for at in range(0, 768, 3))
    return b"".join(
        (
            struct.pack("<2sIHHI", b"BM", size, 0, 0, start),
            struct.pack("<IiiHHIIiiII", 40, canvas.width, canvas.height, 1, 8, 0, 0, 0, 0, 256, 0),
            *(colour[::-1] + b"\0" for colour in colours),
            *reversed(canvas.rows()),
        )
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


_FORMATS = {".png": png, ".gif": gif, ".bmp": bmp}
_SIZES = {".png": (560, 420), ".gif": (320, 256), ".bmp": (320, 256)}

_PLACES = (
    "atlas bay cape dawn delta dune ember fern fjord glade grove harbour heath isle jetty karst "
    "lagoon mesa moor oasis orchard pass pier plain prairie quarry reef ridge river saddle savanna "
    "shoal spire steppe strand summit tarn terrace tundra vale"
)


def names(count: int) -> list[str]:
    """Return `count` different file names, most of them PNG."""
    return [
        place + (".gif" if number % 8 == 3 else ".bmp" if number % 8 == 6 else ".png")
        for number, place in enumerate(_PLACES.split()[:count])
    ]


def picture(name: str) -> bytes:
    """Return a picture in the format of its name; it depends only on the name."""
    extension = name[name.rindex(".") :]
    return _FORMATS[extension](_landscape(random.Random(name), *_SIZES[extension]))  # noqa: S311  not a secret


def _landscape(chance: random.Random, width: int, height: int) -> Canvas:
    sky = _sky(chance, height)
    sun = _sun(chance, width, height)
    dunes = [
        (_crests(chance, width, height, horizon), bytes([shade]) * height)
        for horizon, shade in ((0.55, 120), (0.7, 76), (0.84, 32))
    ]
    pixels = bytearray(width * height)
    for x in range(width):
        column = bytearray(sky)
        top, bottom = sun(x)
        column[top:bottom] = b"\xf8" * (bottom - top)
        for crests, sand in dunes:
            column[crests[x] :] = sand[crests[x] :]
        pixels[x::width] = column
    return Canvas(width, height, _grained(chance, bytes(pixels)), _palette(chance))


def _sky(chance: random.Random, height: int) -> bytes:
    top, bottom = chance.sample(range(140, 236), 2)
    return bytes(top + (bottom - top) * y // height for y in range(height))


def _sun(chance: random.Random, width: int, height: int) -> Callable[[int], tuple[int, int]]:
    """Return a function from a column to the range of its pixels that show the sun."""
    radius = int(height * chance.uniform(0.08, 0.2))
    x, y = chance.randrange(radius, width - radius), int(height * chance.uniform(0.22, 0.5))

    def stretch(column: int) -> tuple[int, int]:
        half = math.isqrt(max(0, radius**2 - (column - x) ** 2))
        return y - half, y + half

    return stretch


def _crests(chance: random.Random, width: int, height: int, horizon: float) -> list[int]:
    """Return the first pixel of the dune in each column."""
    length, swell = chance.uniform(0.4, 1.4) * width, chance.uniform(0.3, 0.9)
    start, crest = chance.uniform(0, length), height * (1 - horizon) * 0.18
    angles = ((start + x) / length * math.tau for x in range(width))
    waves = (math.sin(angle) + swell * math.sin(2.3 * angle) for angle in angles)
    return [int(height * horizon + crest * wave) for wave in waves]


def _grained(chance: random.Random, pixels: bytes) -> bytes:
    """Add film grain: without it a compressed picture would have only a few hundred bytes."""
    size = len(pixels)
    grain = int.from_bytes(chance.randbytes(size)) & int.from_bytes(b"\x07" * size)
    return (int.from_bytes(pixels) & int.from_bytes(b"\xf8" * size) | grain).to_bytes(size)


def _palette(chance: random.Random) -> bytes:
    dark, bright = ([chance.randrange(a, b) for _ in "rgb"] for a, b in ((0, 90), (170, 256)))
    return bytes(
        low + (high - low) * shade // 255
        for shade in range(256)
        for low, high in zip(dark, bright, strict=True)
    )
