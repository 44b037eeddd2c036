"""Small generated pictures: noise, so that no account has the same image."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Mapping

HEIGHT = 12


def png(width: int, seed: str, text: str = "") -> bytes:
    """Return a PNG of random grey pixels, with a comment if `text` is not empty."""
    noise = random.Random(f"{seed} {width}")  # noqa: S311  the same picture for the same seed
    lines = b"".join(b"\0" + noise.randbytes(width) for _ in range(HEIGHT))
    comment = _chunk(b"tEXt", b"Comment\0" + text.encode("latin-1")) if text else b""
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, HEIGHT, 8, 0, 0, 0, 0)),
            comment,
            _chunk(b"IDAT", zlib.compress(lines)),
            _chunk(b"IEND", b""),
        )
    )


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of files, by their names."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        for name, content in files.items():
            opened.writestr(zipfile.ZipInfo(name), content)
    return archive.getvalue()


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum
