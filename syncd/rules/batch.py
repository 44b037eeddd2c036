"""The images of one POST: which, under which names, and how many the account takes.

An account that rejects a POST of several images rejects one of its images, or every POST of
several images. `choose_batch` halves the batch until the bad image is alone; `Sharing` recognises
the second case, and then sends one image per POST for a time.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

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


REJECTIONS = 5
"""Consecutive rejected POSTs of several images before the account itself is suspected."""

CLEARED = 12
"""Consecutive suspects that the account took alone before one image per POST becomes its limit.

A POST of three that is rejected for one bad image leaves at most two good ones before it, and each
worker may have one such POST: with 12, no simulated library with up to 16 workers and every fifth
image bad made the account look like one that rejects every POST of several images."""

RETRY_SHARING = 6 * 3600.0
"""Seconds of one image per POST until a POST of several is tried again."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """An account's recent responses to POSTs of several images, as far as they matter."""

    rejections: int = 0
    """Consecutive rejected POSTs of several images."""
    alone_until: float = 0.0
    """Unix seconds until which a POST holds one image; 0 if the account has no such limit."""
    cleared: int = 0
    """Consecutive suspects that the account took alone."""

    def limit(self, images: int, now: float) -> int:
        """Return how many images the next POST may hold, at most `images`."""
        retried = self.alone_until > 0 and self.rejections >= REJECTIONS
        return 1 if now < self.alone_until or retried else images

    def after_batch_taken(self) -> Sharing:
        """Return the state after the account took a POST of several images."""
        return Sharing()

    def after_batch_rejected(self) -> Sharing:
        """Return the state after a POST of several images was rejected, for an unknown image."""
        return replace(self, rejections=self.rejections + 1)

    def after_single_rejected(self) -> Sharing:
        """Return the state after an image was rejected alone: it explains earlier rejections."""
        known = recalled(self.alone_until)
        return known if self.rejections > known.rejections else replace(self, cleared=known.cleared)

    def after_single_taken(self, now: float, *, suspect: bool) -> Sharing:
        """Return the state after the account took an image alone.

        A `suspect` was in a POST of several that was rejected: it was not the reason.
        """
        if not suspect:
            return self
        cleared = self.cleared + 1
        if self.rejections >= REJECTIONS and cleared >= CLEARED:
            return recalled(now + RETRY_SHARING)
        return replace(self, cleared=cleared)


def recalled(alone_until: float) -> Sharing:
    """Return the state of an account with that limit; 0 for an account without one.

    Once the time has passed, one more rejection and one more cleared suspect renew the limit.
    """
    if not alone_until:
        return Sharing()
    return Sharing(REJECTIONS - 1, alone_until, CLEARED - 1)
