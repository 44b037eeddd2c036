"""Places to look at: what a watcher's word is worth, and no more than that."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, partial

from syncd.folders.patterns import Patterns


@dataclass(frozen=True, slots=True)
class Look:
    """A directory to look at, relative to the root (`b""` is the root)."""

    path: bytes
    deep: bool
    """The whole tree below it, not its own entries alone."""


EVERYWHERE = Look(b"", deep=True)


@dataclass(frozen=True, slots=True)
class _Place:
    """The nearest directory that is there, links resolved; `exact` if it is the asked one."""

    path: bytes
    exact: bool


def looks_at(root: bytes, paths: Iterable[bytes], patterns: Patterns) -> frozenset[Look]:
    """Return where to look after something happened at these paths, relative to the root.

    What happened is not asked, only what is there now. A directory is looked at with all below it,
    since what came with it has no events of its own; a file is looked for in its directory, and
    what is there no more in the nearest directory that is. `root` must be a real path.
    """
    place_of = cache(partial(_place, root))
    looks: set[Look] = set()
    for path in paths:
        parent, _, name = path.rpartition(b"/")
        place = place_of(parent)
        if place is None or not patterns.enters(place.path):
            continue
        where = place.path + b"/" + name if place.path else name
        if place.exact and patterns.enters(where) and _is_directory(os.path.join(root, where)):
            looks.add(Look(where, deep=True))
        elif not place.exact or patterns.admits(where) or _may_be_gone(root, where, patterns):
            looks.add(Look(place.path, deep=False))
    return coalesced(looks)


def coalesced(looks: Iterable[Look]) -> frozenset[Look]:
    """Return the looks without those that another one includes."""
    wanted = frozenset(looks)
    deep = {look.path for look in wanted if look.deep}
    if not deep:
        return wanted
    return frozenset(
        look
        for look in wanted
        if not (
            any(up in deep for up in _above(look.path)) or (not look.deep and look.path in deep)
        )
    )


def _above(path: bytes) -> Iterable[bytes]:
    while path:
        path = path.rpartition(b"/")[0]
        yield path


def _place(root: bytes, path: bytes) -> _Place | None:
    """Return None when a link on the way leads out of the root."""
    asked = path
    home = root.rstrip(b"/") + b"/"
    while path:
        real = os.path.realpath(home + path)
        if not (real + b"/").startswith(home):
            return None
        if _is_directory(real):
            return _Place(real[len(home) :], exact=path == asked)
        path = path.rpartition(b"/")[0]
    return _Place(b"", exact=path == asked)


def _may_be_gone(root: bytes, path: bytes, patterns: Patterns) -> bool:
    """Whether the path may have been a directory that was walked."""
    return patterns.enters(path) and not os.path.lexists(os.path.join(root, path))


def _is_directory(path: bytes) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False
