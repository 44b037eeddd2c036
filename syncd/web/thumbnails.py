"""Small pictures of the files on disk, made by Pillow if it is installed."""

from __future__ import annotations

import asyncio
import os
import stat
import struct
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING

from syncd.folders.safe_open import open_file
from syncd.ledger.library import SourceFile
from syncd.model import joined
from syncd.web.search_form import FORMATS
from syncd.web.slots import Slots

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

MOST_BYTES = 64 * 2**20
MOST_PIXELS = 50_000_000
"""Limits of a file that is decoded: Pillow needs up to 4 bytes of memory for each pixel."""

AT_ONCE = 2
"""Pictures that are decoded at the same time."""

LARGE_PIXELS = 10_000_000
"""Of the pictures with more pixels, one at a time is decoded: two together need 400 MB at most."""

CACHE = 64 * 2**20
"""Bytes of small pictures that are kept in memory: some 6,000 of them."""

PATIENCE = 10.0
"""Seconds after which a folder counts as one whose disk hangs, until the read has ended."""

SMALL, LARGE = 320, 1280
"""The longest sides of a picture in the library and on its own page, in pixels."""

_DAMAGED = (
    *(OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error, MemoryError),
    *(TypeError, LookupError, ArithmeticError, AttributeError, AssertionError),
)
"""What Pillow raises for files that are damaged, or of a kind that it does not read."""


class Thumbnails:
    """The small pictures of one process, of which the last used are kept."""

    def __init__(self, cache: int = CACHE, patience: float = PATIENCE) -> None:
        self._kept: OrderedDict[tuple[bytes, int], bytes] = OrderedDict()
        self._cache = cache
        self._size = 0  # bytes of the kept ones
        self._slots = Slots("thumbnails", AT_ONCE, patience)
        self._patience = patience
        self._large = Lock()
        self._hanging: list[bytes] = []  # the roots of folders, each once for each read

    @property
    def size(self) -> int:
        """The bytes of the pictures that are kept."""
        return self._size

    def kept(self, digest: bytes, side: int) -> bytes | None:
        """Return a small picture that was made before."""
        found = self._kept.get((digest, side))
        if found is not None:
            self._kept.move_to_end((digest, side))
        return found

    async def make(self, digest: bytes, side: int, files: Sequence[SourceFile]) -> bytes | None:
        """Return the picture of an image as WebP; None if no file of it can be shown now."""
        usable = [file for file in files if file.root not in self._hanging]
        if not usable:
            return None
        if (found := self.kept(digest, side)) is not None:
            return found
        roots = {file.root for file in usable}
        future = await self._slots.start(
            partial(picture_of, usable, side, self._large), partial(self._hanging.extend, roots)
        )
        future.add_done_callback(partial(self._end, (digest, side), roots))
        await asyncio.wait([future], timeout=self._patience)  # which does not cancel it
        return future.result() if future.done() else None

    def close(self) -> None:
        """End the threads."""
        self._slots.close()

    def _end(
        self, key: tuple[bytes, int], roots: set[bytes], future: asyncio.Future[bytes | None]
    ) -> None:
        """Called when a thread has ended, also without a request that waits for it."""
        for root in roots.intersection(self._hanging):
            self._hanging.remove(root)
        if not future.cancelled() and not future.exception() and (made := future.result()):
            self._keep(key, made)

    def _keep(self, key: tuple[bytes, int], made: bytes) -> None:
        self._size += len(made) - len(self._kept.pop(key, b""))
        self._kept[key] = made
        while self._size > self._cache:
            _, oldest = self._kept.popitem(last=False)
            self._size -= len(oldest)


def has_pillow() -> bool:
    """Return whether Pillow is installed."""
    try:
        import PIL.Image  # noqa: F401, PLC0415  optional: syncd[web]
    except ImportError:
        return False
    return True


def picture_of(
    files: Sequence[SourceFile], side: int, large: AbstractContextManager[object] | None = None
) -> bytes | None:
    """Return the picture of the first file that can be shown, as WebP; blocks.

    `large` is entered while a picture with many pixels is decoded.
    """
    if not has_pillow():
        return None
    contents = (content for file in files if (content := _content(file)) is not None)
    return next((made for one in contents if (made := _shrunk(one, side, large))), None)


def _content(file: SourceFile) -> bytes | None:
    """Return the bytes of a file that is as the ledger has it."""
    try:
        descriptor = open_file(file.root, joined(file.directory, file.name))
    except OSError:
        return None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_BYTES:
            return None
        if (found.st_size, found.st_mtime_ns) != (file.size, file.mtime_ns):
            return None
        with open(descriptor, "rb", closefd=False) as opened:
            return opened.read(MOST_BYTES)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _shrunk(
    content: bytes, side: int, large: AbstractContextManager[object] | None
) -> bytes | None:
    """Return a picture of at most `side` pixels a side, upright as its EXIF data demands."""
    from PIL import Image  # noqa: PLC0415  optional: syncd[web]

    Image.MAX_IMAGE_PIXELS = None  # MOST_PIXELS is less, and needs no warning in the log
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as picture:
            pixels = picture.width * picture.height
            if pixels > MOST_PIXELS:
                return None
            alone = large if large is not None and pixels > LARGE_PIXELS else nullcontext()
            with alone:
                return _webp(picture, side)
    except _DAMAGED:
        return None


def _webp(picture: ImageFile, side: int) -> bytes:
    from PIL import ImageOps  # noqa: PLC0415  optional: syncd[web]
    from PIL.Image import Resampling  # noqa: PLC0415  the same

    out = BytesIO()
    picture.draft("RGB", (side, side))  # a JPEG is decoded at a fraction of its size
    # One pixel of several, without a copy of all of them; the others below are then small.
    picture.thumbnail((4 * side, 4 * side), Resampling.NEAREST)
    mode = "RGBA" if _is_transparent(picture) else "RGB"
    upright = ImageOps.exif_transpose(picture).convert(mode)
    upright.thumbnail((side, side))
    upright.save(out, "WEBP", quality=80)
    return out.getvalue()


def _is_transparent(picture: ImageFile) -> bool:
    return picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
