"""Which paths below a folder are images to be, and which directories are walked into."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from syncd.folders.globs import only_types, question, question_of_files
from syncd.folders.junk import BEGINNINGS, NAMES, has_odd_end, is_dropping

DIRECTORIES_REMEMBERED = 4096


class Patterns:
    """A folder's include and exclude lists; paths are relative to the folder, `b"a/b/c.jpg"`.

    The lists are gitignore patterns in which case does not matter. As with git, nothing below an
    excluded directory is included again. `*.jpg` in `include` asks for files alone: a directory of
    that name does not make all below it images. What is hidden or a dropping is never admitted.
    """

    def __init__(self, include: Sequence[str], exclude: Sequence[str]) -> None:
        """Raise ValueError for a pattern that is none."""
        self.include = tuple(include)
        self.exclude = tuple(exclude)
        types = only_types(include)
        self._of_types = None if types is None else _names_of(types)
        self._included = question_of_files(include if types is None else [])
        self._excluded = question(exclude) if exclude else None
        self._entered = lru_cache(DIRECTORIES_REMEMBERED)(self._judge_directory)

    def enters(self, path: bytes) -> bool:
        """Return whether the directory at this path is walked into; `b""` is the folder itself."""
        return self._entered(path)

    def admits(self, path: bytes) -> bool:
        """Return whether a file at this path is to be an image."""
        directory, _, name = path.rpartition(b"/")
        return bool(self.admitted(directory, [name]))

    def admitted(self, directory: bytes, names: Sequence[bytes]) -> list[bytes]:
        """Return which files of one directory are to be images, in the same order."""
        if not self._entered(directory):
            return []
        within = directory + b"/" if directory else b""
        if self._of_types is None:
            included = [
                name
                for name in names
                if not is_dropping(name) and self._included(_text(within + name))
            ]
        else:  # the usual case: one expression over all names, not a call for each
            included = self._of_types.findall(b"\0".join(names))
        excluded = self._excluded
        if excluded is None:
            return included
        return [name for name in included if not excluded(_text(within + name))]

    def _judge_directory(self, path: bytes) -> bool:
        if not path:
            return True
        parent, _, name = path.rpartition(b"/")
        return (
            not is_dropping(name)
            and self._entered(parent)
            and not (self._excluded and self._excluded(_text(path + b"/")))
        )


def _names_of(types: frozenset[bytes]) -> re.Pattern[bytes]:
    """Return what finds the names of these types that are no droppings, among names joined by NUL.

    What stands behind the last dot leaves few droppings to ask for.
    """
    ends = sorted(kind for kind in types if not has_odd_end(b"x." + kind))
    whole = sorted(name for name in NAMES if name.rpartition(b".")[2] in types)
    odd = [*map(re.escape, BEGINNINGS), *(re.escape(name) + rb"(?![^\0])" for name in whole)]
    asked = b"|".join(ends) or b"(?!)"
    return re.compile(
        rb"(?<![^\0])(?!%b)[^\0]+\.(?:%b)(?![^\0])" % (b"|".join(odd), asked), re.IGNORECASE
    )


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
