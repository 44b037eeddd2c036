"""What an image is called in its POST: unique there, short enough, with an extension."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST = 100
"""Characters of an ad image's name (developers.facebook.com, Ad Image, field `name`)."""

_BAD = str.maketrans(dict.fromkeys([*'/\\"', *map(chr, range(32)), "\x7f"], "_"))


def part_names(files: Iterable[tuple[bytes, str]]) -> list[str]:
    """Return a name for each (file name, extension of its format such as ".jpg"), in order.

    No two are equal, whatever the case of their letters; each has an extension and at most
    LONGEST characters.
    """
    taken: set[str] = set()
    names: list[str] = []
    for file_name, extension in files:
        stem, suffix = _split(file_name.decode("utf-8", "replace").translate(_BAD), extension)
        name, count = _fitted(stem, "", suffix), 1
        while name.casefold() in taken:
            count += 1
            name = _fitted(stem, f" ({count})", suffix)
        taken.add(name.casefold())
        names.append(name)
    return names


def _split(name: str, extension: str) -> tuple[str, str]:
    stem, dot, suffix = name.rpartition(".")
    if not dot or not stem or not suffix or len(suffix) > 5 or not suffix.isalnum():
        return name, extension
    return stem, dot + suffix


def _fitted(stem: str, mark: str, suffix: str) -> str:
    return stem[: LONGEST - len(mark) - len(suffix)].rstrip() + mark + suffix
