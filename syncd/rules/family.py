"""Families of images: one motif in several ratios, by the names of their files.

`summer_1x1.jpg`, `summer_9x16.jpg` and `Summer_horizontal.png` are the family `summer`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

WORDS: Mapping[str, str] = {
    "square": "1x1",
    "vertical": "vertical",
    "portrait": "vertical",
    "story": "9x16",
    "stories": "9x16",
    "reel": "9x16",
    "reels": "9x16",
    "horizontal": "horizontal",
    "landscape": "horizontal",
}
"""The ratios that words in a name stand for."""

_NAME = re.compile(
    rf"(?P<motif>.*[^ _-])[ _-]+\(?(?:(?P<w>\d{{1,2}}(?:\.\d{{1,2}})?)[x:](?P<h>\d{{1,2}})"
    rf"|(?P<word>{'|'.join(WORDS)}))\)?",
    re.IGNORECASE,
)


class Member(msgspec.Struct, frozen=True):
    """The motif of a file name, in lower case, and the ratio."""

    motif: str
    ratio: str


class Family(msgspec.Struct, frozen=True):
    """The ratios of one motif that a directory has, and those that it has of other motifs only."""

    present: tuple[str, ...]
    missing: tuple[str, ...]


def member(name: str) -> Member | None:
    """Return the motif and the ratio in a file name; None for a name without a ratio."""
    found = _NAME.fullmatch(name.rpartition(".")[0] or name)
    if found is None:
        return None
    word = found["word"]
    ratio = f"{found['w']}x{found['h']}" if word is None else WORDS[word.lower()]
    return Member(found["motif"].lower(), ratio)


def family(motif: str, names: Iterable[str]) -> Family:
    """Return the family of a motif, from all file names of its directory."""
    members = [one for name in names if (one := member(name)) is not None]
    present = {one.ratio for one in members if one.motif == motif}
    others = {one.ratio for one in members} - present
    return Family(_in_order(present), _in_order(others))


def _in_order(ratios: Iterable[str]) -> tuple[str, ...]:
    """Return ratios from the narrowest to the widest."""
    return tuple(sorted(ratios, key=_width))


def _width(ratio: str) -> tuple[float, str]:
    words = {"vertical": 0.6, "horizontal": 1.6}
    if ratio in words:
        return words[ratio], ratio
    width, height = ratio.split("x")
    return float(width) / max(1.0, float(height)), ratio


def beginnings(name: str) -> tuple[str, ...]:
    """Return the beginnings that names of the family of a name usually have.

    A motif may be written in another case in some of them.
    """
    found = _NAME.fullmatch(name.rpartition(".")[0] or name)
    if found is None:
        return ()
    motif = found["motif"]
    cases = (motif, motif.lower(), motif.upper(), motif.capitalize(), motif.title())
    return tuple(f"{case}{separator}" for case in dict.fromkeys(cases) for separator in "_- ")


def same_motif(motif: str, names: Sequence[str]) -> list[str]:
    """Return those of the names that are files of a motif."""
    return [name for name in names if (one := member(name)) is not None and one.motif == motif]
