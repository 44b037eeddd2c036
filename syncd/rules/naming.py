"""What an image is called in its POST: unique there, short enough, with an extension."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

LONGEST = 100
"""Characters of an ad image's name (developers.facebook.com, Ad Image, field `name`)."""

_EXTENSIONS = {"jpg", "jpeg", "png", "gif", "bmp", "tif", "tiff"}
"""What a name may end in: the edge asks for "sample.jpg, not sample or sample.tmp"."""

_BAD = str.maketrans(dict.fromkeys([*'/\\"', *map(chr, range(32)), "\x7f"], "_"))


def plain(name: str) -> str:
    """Return what two names have in common that an answer may give for one another.

    A server may compose what came decomposed (é as one character or two), or change cases.
    """
    return unicodedata.normalize("NFC", name).casefold()


def part_names(files: Iterable[tuple[bytes, str]]) -> list[str]:
    """Return a name for each (file name, extension of its format such as ".jpg"), in order.

    No two are equal, however their letters are composed and whatever their case; each has an
    extension and at most LONGEST characters.
    """
    taken: set[str] = set()
    names: list[str] = []
    for file_name, extension in files:
        stem, suffix = _split(file_name.decode("utf-8", "replace").translate(_BAD), extension)
        name, count = _fitted(stem, "", suffix), 1
        while plain(name) in taken:
            count += 1
            name = _fitted(stem, f" ({count})", suffix)
        taken.add(plain(name))
        names.append(name)
    return names


def _split(name: str, extension: str) -> tuple[str, str]:
    stem, _, suffix = name.rpartition(".")
    if not stem.strip(" .") or suffix.lower() not in _EXTENSIONS:
        return name, extension
    return stem, "." + suffix


def _fitted(stem: str, mark: str, suffix: str) -> str:
    short = stem[: LONGEST - len(mark) - len(suffix)].strip()
    return (short if short.strip(".") else "_") + mark + suffix  # dots alone hide the extension
