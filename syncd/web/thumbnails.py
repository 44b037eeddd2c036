"""Small pictures of the files on disk, made by Pillow if it is installed."""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from io import BytesIO

from syncd.folders.safe_open import open_file
from syncd.ledger.library import SourceFile
from syncd.model import joined
from syncd.threads import run_in_thread
from syncd.web.search_form import FORMATS

MOST_BYTES = 64 * 2**20
MOST_PIXELS = 50_000_000
"""Limits of a file that is decoded: 150 MB of memory for 50 megapixels in RGB."""

AT_ONCE = 2
"""Pictures that are decoded at the same time."""

CACHE = 64 * 2**20
"""Bytes of small pictures that are kept in memory: some 6,000 of them."""

SMALL, LARGE = 320, 1280
"""The longest sides of a picture in the library and on its own page, in pixels."""


class Thumbnails:
    """The small pictures of one process, of which the last used are kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[bytes, int], bytes] = OrderedDict()
        self._size = 0  # bytes of the kept ones
        self._free = asyncio.Semaphore(AT_ONCE)

    def kept(self, digest: bytes, side: int) -> bytes | None:
        """Return a small picture that was made before."""
        found = self._kept.get((digest, side))
        if found is not None:
            self._kept.move_to_end((digest, side))
        return found

    async def make(self, digest: bytes, side: int, files: Sequence[SourceFile]) -> bytes | None:
        """Return the picture of an image as WebP; None if no file of it can be shown."""
        async with self._free:
            if (found := self.kept(digest, side)) is not None:  # made while this one waited
                return found
            made = await run_in_thread(partial(picture_of, files, side))
        if made is not None:
            self._keep((digest, side), made)
        return made

    def _keep(self, key: tuple[bytes, int], made: bytes) -> None:
        self._kept[key] = made
        self._size += len(made)
        while self._size > CACHE:
            _, oldest = self._kept.popitem(last=False)
            self._size -= len(oldest)


def has_pillow() -> bool:
    """Return whether Pillow is installed."""
    try:
        import PIL.Image  # noqa: F401, PLC0415  optional: syncd[web]
    except ImportError:
        return False
    return True


def picture_of(files: Sequence[SourceFile], side: int) -> bytes | None:
    """Return the picture of the first file that can be shown, as WebP; blocks."""
    if not has_pillow():
        return None
    contents = (content for file in files if (content := _content(file)) is not None)
    return next((made for content in contents if (made := _shrunk(content, side))), None)


def _content(file: SourceFile) -> bytes | None:
    """Return the bytes of a file that is as the ledger has it."""
    try:
        descriptor = open_file(file.root, joined(file.directory, file.name))
    except OSError:
        return None
    with open(descriptor, "rb") as opened:
        try:
            found = os.fstat(descriptor)
            if (found.st_size, found.st_mtime_ns) != (file.size, file.mtime_ns):
                return None
            return opened.read(MOST_BYTES) if found.st_size <= MOST_BYTES else None
        except OSError:
            return None


def _shrunk(content: bytes, side: int) -> bytes | None:
    """Return a picture of at most `side` pixels a side, upright as its EXIF data demands."""
    from PIL import Image, ImageOps  # noqa: PLC0415  optional: syncd[web]

    out = BytesIO()
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return None
            picture.draft("RGB", (side, side))  # a JPEG is decoded at a fraction of its size
            upright = ImageOps.exif_transpose(picture)
            shown = upright.convert("RGBA" if _is_transparent(upright) else "RGB")
            shown.thumbnail((side, side))
            shown.save(out, "WEBP", quality=80)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        return None  # damaged, or of a kind that Pillow does not read
    return out.getvalue()


def _is_transparent(picture: object) -> bool:
    return getattr(picture, "mode", "") in ("RGBA", "LA", "PA") or "transparency" in getattr(
        picture, "info", {}
    )
