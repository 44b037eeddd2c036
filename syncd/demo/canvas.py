"""A picture with a palette of 256 colours, and its encoding as PNG, GIF and BMP."""

from __future__ import annotations

import struct
import zlib
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
