"""The images of one POST: which, and under which names."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

import msgspec

from syncd.model import Digest


class Candidate(msgspec.Struct, frozen=True):
    """An image to send: its size in bytes, and how many images its POST may hold at most."""

    digest: Digest
    size: int
    limit: int


def choose_batch(
    candidates: Sequence[Candidate], images: int, size: int
) -> tuple[list[Candidate], list[Candidate]]:
    """Return the images of the next POST, and the images that are left for another.

    The POST holds at most `images` images of `size` bytes in all, and always the first candidate,
    however large. The others join it in order. Only images with the same limit share a POST, so
    that images under suspicion do not delay the others.
    """
    if not candidates:
        return [], []
    first, *others = candidates
    batch, rest, room = [first], [], size - first.size
    for candidate in others:
        joins = (
            len(batch) < min(images, first.limit)
            and candidate.limit == first.limit
            and candidate.size <= room
        )
        if joins:
            batch.append(candidate)
            room -= candidate.size
        else:
            rest.append(candidate)
    return batch, rest


LONGEST_NAME = 100
"""Characters of an ad image's name (developers.facebook.com, Ad Image, field `name`)."""

_EXTENSIONS = {"jpg", "jpeg", "png", "gif", "bmp", "tif", "tiff"}
"""Extensions of a name: the edge asks for "sample.jpg, not sample or sample.tmp"."""

_BAD = str.maketrans(dict.fromkeys([*'/\\"', *map(chr, range(32)), "\x7f"], "_"))


def part_names(files: Iterable[tuple[bytes, str]]) -> list[str]:
    """Return a name for each (file name, extension of its format such as ".jpg"), in order.

    No two names are equal when case and Unicode composition are ignored. Each has an extension and
    at most LONGEST_NAME characters.
    """
    used: set[str] = set()
    names: list[str] = []
    for file_name, extension in files:
        stem, suffix = _split(file_name.decode("utf-8", "replace").translate(_BAD), extension)
        name, count = _shortened(stem, "", suffix), 1
        while normalized(name) in used:
            count += 1
            name = _shortened(stem, f" ({count})", suffix)
        used.add(normalized(name))
        names.append(name)
    return names


def normalized(name: str) -> str:
    """Return a name as it compares with the names in a response.

    A server may compose decomposed characters (é as one character or two), or change the case.
    """
    return unicodedata.normalize("NFC", name).casefold()


def _split(name: str, extension: str) -> tuple[str, str]:
    stem, _, suffix = name.rpartition(".")
    if not stem.strip(" .") or suffix.lower() not in _EXTENSIONS:
        return name, extension
    return stem, "." + suffix


def _shortened(stem: str, mark: str, suffix: str) -> str:
    short = stem[: LONGEST_NAME - len(mark) - len(suffix)].strip()
    return (short if short.strip(".") else "_") + mark + suffix  # dots alone hide the extension
