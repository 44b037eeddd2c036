"""The files of a folder that syncd does not take, counted by reason.

A reason is a code: the file's extension, such as `.webp`, or one of the constants.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

HIDDEN = "hidden"
"""Hidden, or junk of an editor, a browser or a NAS; also a directory of that kind, which is not
entered and counts as one."""
EXCLUDED = "excluded"
"""Excluded by the folder's `exclude`, or not included; a directory counts as one."""
LINK = "link"
"""A link out of the folder, to a directory, or to nothing."""
ODD_NAME = "odd_name"
"""An image's name but for blanks, dots or control characters at its end."""
NO_EXTENSION = "no_extension"
OTHER = "other"
"""An extension that is odd or rare."""

MOST_EXTENSIONS = 20
"""Extensions of a folder that are counted separately, the most frequent first."""

_MOST_COUNTED = 1000  # reasons that a scan counts apart, so that its memory is bounded

_EXTENSION = re.compile(rb"\.([a-z0-9_-]{1,16})", re.ASCII)

_TEXTS = {
    HIDDEN: "hidden or junk",
    EXCLUDED: "excluded",
    LINK: "link out of the folder or to a directory",
    ODD_NAME: "blank, dot or control character at the end of the name",
    NO_EXTENSION: "no extension",
    OTHER: "other extension",
}


def extension(name: bytes) -> str:
    """Return the code of a file that is skipped for its extension."""
    _, dot, end = name.lower().rpartition(b".")
    if not dot:
        return NO_EXTENSION
    return f".{end.decode()}" if _EXTENSION.fullmatch(b"." + end) else OTHER


def text(code: str) -> str:
    """Return a reason in words."""
    return _TEXTS.get(code, code)


def sentence(counts: Mapping[str, int]) -> str:
    """Return counts by reason in words: "3 .webp, 1 hidden or junk"."""
    return ", ".join(f"{count:,} {text(code)}" for code, count in counts.items())


def add(counts: Counter[str], more: Mapping[str, int]) -> None:
    """Add counts to those of a scan."""
    for code, count in more.items():
        counts[code if code in counts or len(counts) < _MOST_COUNTED else OTHER] += count


def summary(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts, the highest first, with all but `MOST_EXTENSIONS` extensions in one."""
    found = Counter[str]()
    extensions = 0
    for code, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        extensions += code.startswith(".")
        found[OTHER if code.startswith(".") and extensions > MOST_EXTENSIONS else code] += count
    return dict(found)
