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
    name: bytes | None = None
    """The `name_key` of its file; None if the name does not matter."""


def name_key(file_name: bytes | None) -> bytes | None:
    """Return what two file names have in common that get one name in the account."""
    return None if file_name is None else file_name.lower()


def choose_batch(
    candidates: Sequence[Candidate], images: int, size: int
) -> tuple[list[Candidate], list[Candidate]]:
    """Return the images of the next POST, and the images that are left for another.

    The POST holds at most `images` images of `size` bytes in all, and always the first candidate,
    however large. The others join it in order. Only images with the same limit share a POST, so
    that images under suspicion do not delay the others. In one POST each name is used once, and
    people search an account by name: a second file of a name waits for another POST, unless this
    one would be less than half full. So names at most double the number of POSTs.
    """
    if not candidates:
        return [], []
    first = candidates[0]
    most = min(images, first.limit)
    chosen, names, room = {0}, {first.name}, size - first.size
    for twins, full in ((False, most), (True, most // 2)):
        for index, candidate in enumerate(candidates):
            if len(chosen) >= full:
                break
            is_twin = candidate.name is not None and candidate.name in names
            fits = candidate.limit == first.limit and candidate.size <= room
            if fits and index not in chosen and (twins or not is_twin):
                chosen.add(index)
                names.add(candidate.name)
                room -= candidate.size
    batch = [candidate for index, candidate in enumerate(candidates) if index in chosen]
    return batch, [candidate for index, candidate in enumerate(candidates) if index not in chosen]


LONGEST_NAME = 100
"""Characters of an ad image's name (developers.facebook.com, Ad Image, field `name`)."""

_EXTENSIONS = {"jpg", "jpeg", "png", "gif", "bmp", "tif", "tiff"}
"""Extensions of a name: the edge asks for "sample.jpg, not sample or sample.tmp". Another one, such
as .jfif, is followed by that of the format."""

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
