"""Patterns of a folder: which files are images, and which directories a scan enters."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache

from syncd.folders import skipped
from syncd.folders.junk import (
    NAMES,
    PREFIXES,
    has_junk_ending,
    has_junk_inside,
    is_junk,
    may_have_junk_inside,
)

DIRECTORIES_REMEMBERED = 4096

_BY_TYPE = re.compile(r"\*\.([a-z0-9_-]+) *", re.IGNORECASE | re.ASCII)


class Patterns:
    """A folder's include and exclude lists; paths are relative to the folder, `b"a/b/c.jpg"`.

    The lists are gitignore patterns, of which the last that matches decides; upper and lower case
    are equal. As with git, a file below an excluded directory cannot be included again. `*.jpg` in
    `include` matches only files: a directory of such a name does not make everything in it an
    image. Hidden files and junk are never admitted.
    """

    def __init__(self, include: Sequence[str], exclude: Sequence[str]) -> None:
        """Raise ValueError for a pattern that is not a gitignore pattern."""
        self.include = tuple(include)
        self.exclude = tuple(exclude)
        types = _only_types(include)
        self._of_types = None if types is None else _names_of(types)
        self._included = _matcher(include if types is None else [], files_by_type=True)
        self._excluded = _matcher(exclude) if exclude else None
        self._entered = lru_cache(DIRECTORIES_REMEMBERED)(self._judge_directory)
        self._excludes = lru_cache(DIRECTORIES_REMEMBERED)(self._judge_exclusion)

    def enters(self, path: bytes) -> bool:
        """Return whether a scan enters the directory at this path; `b""` is the folder itself."""
        return self._entered(path)

    def admits(self, path: bytes) -> bool:
        """Return whether a file at this path counts as an image."""
        directory, _, name = path.rpartition(b"/")
        return bool(self.admitted(directory, [name]))

    def admitted(self, directory: bytes, names: Sequence[bytes]) -> list[bytes]:
        """Return which files of one directory count as images, in the same order."""
        if not self._entered(directory):
            return []
        within = directory + b"/" if directory else b""
        if self._of_types is None:
            included = [
                name for name in names if not is_junk(name) and self._included(_text(within + name))
            ]
        else:  # the usual case: one expression over all names, not a call for each
            joined = b"\0".join(names)
            included = self._of_types.findall(joined)
            if may_have_junk_inside(joined):
                included = [name for name in included if not has_junk_inside(name)]
        excluded = self._excluded
        if excluded is None:
            return included
        return [name for name in included if not excluded(_text(within + name))]

    def why_skipped(self, path: bytes) -> str:
        """Return the code of the reason for which a file is not admitted, or a directory entered.

        A path below a directory that is not entered has the directory's reason.
        """
        hidden = any(is_junk(part) for part in path.split(b"/"))
        if hidden:
            return skipped.HIDDEN
        directory, _, name = path.rpartition(b"/")
        if not self._entered(directory) or self._excludes(path) or self._would_admit(path):
            return skipped.EXCLUDED
        tidy = re.sub(rb"[\s.\x00-\x20\x7f]+\Z", b"", name)
        if tidy != name and self.admits(path[: len(path) - len(name)] + tidy):
            return skipped.ODD_NAME
        return skipped.extension(name)

    def _would_admit(self, path: bytes) -> bool:
        """Return whether a file would be admitted without the exclude list."""
        if self._of_types is None:
            return self._included(_text(path))
        return self._of_types.fullmatch(path.rpartition(b"/")[2]) is not None

    def _judge_directory(self, path: bytes) -> bool:
        """Judge each directory on the way down to `path`; a path can have thousands of parts."""
        end = 0
        while end < len(path):
            start, end = end, path.find(b"/", end + 1)
            end = end if end > 0 else len(path)
            if is_junk(path[start:end].removeprefix(b"/")) or self._excludes(path[:end]):
                return False
        return True

    def _judge_exclusion(self, path: bytes) -> bool:
        return self._excluded is not None and self._excluded(_text(path + b"/"))


def _only_types(patterns: Sequence[str]) -> frozenset[bytes] | None:
    """Return the file types of a list such as `*.jpg, *.png`; None if it has other patterns."""
    matches = [_BY_TYPE.fullmatch(pattern) for pattern in patterns]
    types = frozenset(match[1].lower().encode() for match in matches if match)
    return types if all(matches) else None


def _names_of(types: frozenset[bytes]) -> re.Pattern[bytes]:
    """Return an expression that finds the names of these types, among names joined by NUL.

    It leaves out junk, of which the types exclude most.
    """
    endings = sorted(kind for kind in types if not has_junk_ending(b"x." + kind))
    whole = sorted(name for name in NAMES if name.rpartition(b".")[2] in types)
    junk = [*map(re.escape, PREFIXES), *(re.escape(name) + rb"(?![^\0])" for name in whole)]
    wanted = b"|".join(endings) or b"(?!)"
    return re.compile(
        rb"(?<![^\0])(?!%b)[^\0]+\.(?:%b)(?![^\0])" % (b"|".join(junk), wanted), re.IGNORECASE
    )


def _matcher(patterns: Sequence[str], *, files_by_type: bool = False) -> Callable[[str], bool]:
    """Return a function that returns whether a path matches; directories end with a slash.

    With `files_by_type`, a pattern such as `*.jpg` matches files alone.
    """
    rules = [_rule(pattern, files_by_type) for pattern in reversed(patterns)]
    searches = [(rule.search, included) for rule, included in rules if rule is not None]

    # A loop of our own, because pathspec's takes twice as long: a scan asks once per name.
    def matches(path: str) -> bool:
        for search, included in searches:
            if search(path):
                return included
        return False

    return matches


def _rule(pattern: str, files_by_type: bool) -> tuple[re.Pattern[str] | None, bool]:
    """Return the pattern's expression, and whether a match is included; None for a comment."""
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern  # noqa: PLC0415  takes 40 ms, rarely needed

    if files_by_type and (match := _BY_TYPE.fullmatch(pattern)):
        return re.compile(rf"\.{re.escape(match[1])}\Z", re.IGNORECASE), True
    line = pattern if pattern.endswith("\\ ") else pattern.rstrip()
    if line.endswith("/**"):
        line += "/*"  # the same, but it does not match the directory itself
    try:
        expression, included = GitIgnoreSpecPattern.pattern_to_regex(line.replace("\n", _NEWLINE))
        if expression is None:
            return None, False
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # `[[]` is the usual way to match a [
            return re.compile(expression, re.IGNORECASE), bool(included)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a gitignore pattern: {error.msg}") from error
    except ValueError as error:
        raise ValueError(f"{pattern!r} is not a gitignore pattern") from error


_NEWLINE = "\0"
"""In place of a newline, before which `$` would match; a name cannot contain it."""


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape").replace("\n", _NEWLINE)
