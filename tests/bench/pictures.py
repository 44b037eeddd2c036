"""Pictures on disk: real ones of a given size, tiny ones for large trees; no two alike."""

from __future__ import annotations

import io
import os
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

from PIL import Image

FILES_IN_A_DIRECTORY = 100


def tiny(number: int) -> bytes:
    """Return a PNG of one pixel, some 90 bytes, whose number is in its comment."""
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"tEXt", b"n\0%d" % number),
            _chunk(b"IDAT", zlib.compress(b"\0\0")),
            _chunk(b"IEND", b""),
        )
    )


def photograph(size: int) -> bytes:
    """Return a JPEG of noise that has about as many bytes; `numbered` makes others of it."""
    low, high, content = 8, 2000, b""
    while low < high:
        side = (low + high) // 2
        out = io.BytesIO()
        noise = Image.frombytes("RGB", (side, side), os.urandom(side * side * 3))
        noise.save(out, "JPEG", quality=85)
        content = out.getvalue()
        if len(content) < size:
            low = side + 1
        else:
            high = side
    return content


def numbered(jpeg: bytes, number: int) -> bytes:
    """Return the same picture with a number in a comment."""
    comment = b"%016d" % number
    return jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + jpeg[2:]


def fill(folder: Path, size: int, count: int) -> Path:
    """Make a folder of photographs, once; answers it."""
    if not _is_whole(folder):
        jpeg = photograph(size)
        for first in range(0, count, FILES_IN_A_DIRECTORY):
            directory = folder / f"{first // FILES_IN_A_DIRECTORY:04}"
            directory.mkdir(parents=True)
            for number in range(first, min(first + FILES_IN_A_DIRECTORY, count)):
                (directory / f"{number:07}.jpg").write_bytes(numbered(jpeg, number))
        _whole(folder)
    return folder


def grow(tree: Path, count: int) -> Path:
    """Make a tree of tiny pictures, a hundred a directory in two levels, once; answers it."""
    if not _is_whole(tree):
        plant(tree, count)
        _whole(tree)
    return tree


def plant(tree: Path, count: int, first: int = 0) -> None:
    """Write tiny pictures from number `first` on."""
    for start in range(0, count, FILES_IN_A_DIRECTORY):
        number = start // FILES_IN_A_DIRECTORY
        directory = f"{tree}/{number // 100:03}/{number % 100:02}"
        os.makedirs(directory)
        for n in range(start, min(start + FILES_IN_A_DIRECTORY, count)):
            with open(f"{directory}/{first + n:08}.png", "wb") as file:
                file.write(tiny(first + n))


def mirror(tree: Path) -> Path:
    """Return a copy of a tree for tools that compare two: hard links, so made before any start."""
    copy = tree.with_name(f"{tree.name}.mirror")
    if not _is_whole(copy):
        subprocess.run(["cp", "-al", str(tree), str(copy)], check=True)
        _whole(copy)
    return copy


def _is_whole(folder: Path) -> bool:
    if _mark(folder).exists():
        return True
    shutil.rmtree(folder, ignore_errors=True)
    return False


def _whole(folder: Path) -> None:
    _mark(folder).touch()


def _mark(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.whole")


def _chunk(kind: bytes, content: bytes) -> bytes:
    sum_ = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", sum_)
