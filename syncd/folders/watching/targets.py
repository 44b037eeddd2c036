"""Places to look at: what a watcher's word is worth, and no more than that."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, partial

from syncd.folders.patterns import Patterns


@dataclass(frozen=True, slots=True)
class ScanTarget:
    """A directory to look at, relative to the root (`b""` is the root)."""

    path: bytes
    deep: bool
    """The whole tree below it, not its own entries alone."""
    file: bytes = b""
    """The name of the one entry to look at; all of them when there is none."""


EVERYWHERE = ScanTarget(b"", deep=True)

FEW = 16
"""Files of one directory that are looked at one by one: more are found sooner by listing it."""


@dataclass(frozen=True, slots=True)
class _Place:
    """The nearest directory that is there, links resolved; `exact` if it is the asked one."""

    path: bytes
    exact: bool


def targets_of(root: bytes, paths: Iterable[bytes], patterns: Patterns) -> frozenset[ScanTarget]:
    """Return where to look after something happened at these paths, relative to the root.

    What happened is not asked, only what is there now. A directory is looked at with all below it,
    since what came with it has no events of its own; a file is looked at itself, since its
    directory may be large; what is there no more is looked for in the nearest directory that is.
    `root` must be a real path.
    """
    place_of = cache(partial(_place, root))
    looks: set[ScanTarget] = set()
    for path in paths:
        parent, _, name = path.rpartition(b"/")
        place = place_of(parent)
        if place is None or not patterns.enters(place.path):
            continue
        where = place.path + b"/" + name if place.path else name
        mode = _mode(os.path.join(root, where))
        if place.exact and stat.S_ISDIR(mode) and patterns.enters(where):
            looks.add(ScanTarget(where, deep=True))
        elif place.exact and stat.S_ISREG(mode):
            if patterns.admits(where):
                looks.add(ScanTarget(place.path, deep=False, file=name))
        elif not place.exact or patterns.admits(where) or (not mode and patterns.enters(where)):
            looks.add(ScanTarget(place.path, deep=False))  # it may have been a directory
    return coalesced(looks)


def coalesced(looks: Iterable[ScanTarget]) -> frozenset[ScanTarget]:
    """Return the looks without those that another one includes."""
    wanted = set(looks)
    files = Counter(look.path for look in wanted if look.file)
    wanted |= {ScanTarget(path, deep=False) for path, count in files.items() if count > FEW}
    whole = {look.path for look in wanted if not look.file}
    deep = {look.path for look in wanted if look.deep}
    return frozenset(
        look
        for look in wanted
        if not (
            any(up in deep for up in _above(look.path))
            or (not look.deep and look.path in deep)
            or (look.file and look.path in whole)
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


def _is_directory(path: bytes) -> bool:
    return stat.S_ISDIR(_mode(path))


def _mode(path: bytes) -> int:
    """Return what stands there, 0 when nothing does."""
    try:
        return os.lstat(path).st_mode
    except OSError:
        return 0
