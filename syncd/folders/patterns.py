"""Which paths below a folder are images to be, and which directories are walked into."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from syncd.folders.droppings import has_odd_end, has_odd_start, is_dropping
from syncd.folders.globs import only_types, question, question_of_files

DIRECTORIES_REMEMBERED = 4096


class Patterns:
    """A folder's include and exclude lists; paths are relative to the folder, `b"a/b/c.jpg"`.

    The lists are gitignore patterns in which case does not matter. As with git, nothing below an
    excluded directory is included again. `*.jpg` in `include` asks for files alone: a directory of
    that name does not make all below it images. What is hidden or a dropping is never admitted.
    """

    def __init__(self, include: Sequence[str], exclude: Sequence[str]) -> None:
        """Raise ValueError for a pattern that is none."""
        self._types = _without_droppings(only_types(include))
        self._included = question_of_files(include)
        self._excluded = question(exclude) if exclude else None
        self._entered = lru_cache(DIRECTORIES_REMEMBERED)(self._judge_directory)

    def enters(self, path: bytes) -> bool:
        """Return whether the directory at this path is walked into; `b""` is the folder itself."""
        return self._entered(path)

    def admits(self, path: bytes) -> bool:
        """Return whether a file at this path is to be an image."""
        directory, _, name = path.rpartition(b"/")
        if self._types is None:
            included = not is_dropping(name) and self._included(_text(path))
        else:  # the usual case, asked a million times a scan: no expression for each pattern
            stem, _, kind = name.rpartition(b".")
            included = kind.lower() in self._types and stem != b"" and not has_odd_start(name)
        return (
            included
            and self._entered(directory)
            and (self._excluded is None or not self._excluded(_text(path)))
        )

    def _judge_directory(self, path: bytes) -> bool:
        if not path:
            return True
        parent, _, name = path.rpartition(b"/")
        return (
            not is_dropping(name)
            and self._entered(parent)
            and not (self._excluded and self._excluded(_text(path + b"/")))
        )


def _without_droppings(types: frozenset[bytes] | None) -> frozenset[bytes] | None:
    return types and frozenset(kind for kind in types if not has_odd_end(b"x." + kind))


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
