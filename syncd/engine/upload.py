"""Images as the parts of a POST, and the entries of its answer as images again."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

import msgspec

from syncd.graph.body import Part
from syncd.ledger.replicas import Source
from syncd.model import Digest, Entry
from syncd.rules.naming import part_names, plain

# Pillow's and everybody's names of the formats that the edge takes; bmp, jpeg, gif and png stand
# in the API's pages, tiff is taken by tools of the field.
FORMATS = {
    "JPEG": ("image/jpeg", ".jpg"),
    "PNG": ("image/png", ".png"),
    "GIF": ("image/gif", ".gif"),
    "BMP": ("image/bmp", ".bmp"),
    "TIFF": ("image/tiff", ".tiff"),
}
_UNKNOWN = ("application/octet-stream", ".jpg")


class Loaded(msgspec.Struct, frozen=True):
    """An image whose bytes are in memory, and the file that gives it its name."""

    digest: Digest
    content: bytes
    source: Source
    format: str | None


def named_parts(images: Sequence[Loaded]) -> list[Part]:
    """Return the parts of one POST in the order of the images; no two have one name."""
    kinds = [FORMATS.get(image.format or "", _UNKNOWN) for image in images]
    names = part_names(
        (image.source.name, extension) for image, (_, extension) in zip(images, kinds, strict=True)
    )
    return [
        Part(name, media_type, image.content)
        for image, name, (media_type, _) in zip(images, names, kinds, strict=True)
    ]


def match_answer(
    images: Sequence[Loaded], parts: Sequence[Part], entries: Mapping[str, Entry]
) -> tuple[list[tuple[Loaded, Entry]], list[Loaded]]:
    """Return the images with their entries, and the images that the answer does not name for sure.

    An entry is found by its part's name, as the key or in the entry; of a POST of one, the only
    entry is the image's, whatever its key. A wrong hash is worse than one more call, so what could
    be said of two images is believed of neither:
    - an entry whose key names one image and whose name another; two entries for one image;
    - a name without the key, unless every image has its entry: the account may know the same bytes
      by a name of before;
    - a key that may stand, simplified, for an image that has no entry.
    """
    if len(images) == 1 and len(entries) == 1:
        return [(images[0], next(iter(entries.values())))], []
    places = {plain(part.name): place for place, part in enumerate(parts)}
    by_key: dict[int, list[Entry]] = {}
    by_name: dict[int, list[Entry]] = {}
    for key, entry in entries.items():
        keyed, named = places.get(plain(key)), places.get(plain(entry.name or ""))
        if keyed is not None and named in (keyed, None):
            by_key.setdefault(keyed, []).append(entry)
        elif keyed is None and named is not None:
            by_name.setdefault(named, []).append(entry)
    known = _told_once(by_key)
    if len(everything := _told_once(by_key, by_name)) == len(parts):
        known = everything
    if len(known) < len(parts):
        silent = [_letters(part.name) for place, part in enumerate(parts) if place not in known]
        for place in [p for p in known if _may_be_any_of(_letters(parts[p].name), silent)]:
            del known[place]
    taken = [(image, known[place]) for place, image in enumerate(images) if place in known]
    return taken, [image for place, image in enumerate(images) if place not in known]


def _told_once(*claims: Mapping[int, Sequence[Entry]]) -> dict[int, Entry]:
    places = {place for claim in claims for place in claim}
    told = {place: [e for claim in claims for e in claim.get(place, ())] for place in places}
    return {place: found[0] for place, found in told.items() if len(found) == 1}


def _letters(name: str) -> str:
    """Return what is left of a name when all has gone that a server may drop or replace."""
    plainest = unicodedata.normalize("NFKD", name).casefold()
    return "".join(c for c in plainest if c.isascii() and c.isalnum())


def _may_be_any_of(letters: str, others: Sequence[str]) -> bool:
    return any(other.startswith(letters) or letters.startswith(other) for other in others)
