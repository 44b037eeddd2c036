"""Pictures on disk: photographs of a given size, and tiny ones for large trees; all distinct."""

from __future__ import annotations

import io
import os
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

from PIL import Image

FILES_PER_DIRECTORY = 100


def tiny(number: int) -> bytes:
    """Return a PNG of one pixel, about 90 bytes, with the number in a text chunk."""
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
    """Return a JPEG of noise of about `size` bytes; `numbered` derives others from it."""
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
    """Return the picture with a number in a comment."""
    comment = b"%016d" % number
    return jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + jpeg[2:]


def photograph_folder(folder: Path, size: int, count: int) -> Path:
    """Return a folder of `count` photographs, which is created on first use."""
    if not _is_complete(folder):
        jpeg = photograph(size)
        for first in range(0, count, FILES_PER_DIRECTORY):
            directory = folder / f"{first // FILES_PER_DIRECTORY:04}"
            directory.mkdir(parents=True)
            for number in range(first, min(first + FILES_PER_DIRECTORY, count)):
                (directory / f"{number:07}.jpg").write_bytes(numbered(jpeg, number))
        _mark_complete(folder)
    return folder


def tiny_tree(tree: Path, count: int, first: int = 0) -> Path:
    """Return a tree of tiny pictures, in two levels of directories, created on first use."""
    if not _is_complete(tree):
        write_tiny(tree, count, first)
        _mark_complete(tree)
    return tree


def write_tiny(tree: Path, count: int, first: int = 0) -> None:
    """Write `count` tiny pictures, numbered from `first`."""
    for start in range(0, count, FILES_PER_DIRECTORY):
        number = start // FILES_PER_DIRECTORY
        directory = f"{tree}/{number // 100:03}/{number % 100:02}"
        os.makedirs(directory)
        for n in range(start, min(start + FILES_PER_DIRECTORY, count)):
            with open(f"{directory}/{first + n:08}.png", "wb") as file:
                file.write(tiny(first + n))


def hard_link_copy(tree: Path) -> Path:
    """Return a copy of a tree for tools that compare two trees.

    It consists of hard links, which change the ctime of every file: create it before syncd starts.
    """
    copy = tree.with_name(f"{tree.name}.mirror")
    if not _is_complete(copy):
        subprocess.run(["cp", "-al", str(tree), str(copy)], check=True)
        _mark_complete(copy)
    return copy


def _is_complete(folder: Path) -> bool:
    if _marker(folder).exists():
        return True
    shutil.rmtree(folder, ignore_errors=True)
    return False


def _mark_complete(folder: Path) -> None:
    _marker(folder).touch()


def _marker(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.complete")


def _chunk(kind: bytes, content: bytes) -> bytes:
    sum_ = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", sum_)
