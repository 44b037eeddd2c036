"""Scan targets: the places that a scan reads again after an event of the watch."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, partial

from syncd.folders.patterns import Patterns
from syncd.folders.safe_open import real_path
from syncd.model import joined


@dataclass(frozen=True, slots=True)
class ScanTarget:
    """A directory to scan, relative to the root (`b""` is the root)."""

    path: bytes
    deep: bool
    """Whether everything below it is scanned, too."""
    file: bytes = b""
    """The name of the only entry to check; if empty, all entries are scanned."""


EVERYWHERE = ScanTarget(b"", deep=True)

MAX_FILES = 16
"""Files of one directory that are checked one by one; listing the directory finds more sooner."""


@dataclass(frozen=True, slots=True)
class _Existing:
    """The nearest existing directory, with links resolved."""

    path: bytes
    exact: bool  # it is the requested one


def targets_of(root: bytes, paths: Iterable[bytes], patterns: Patterns) -> frozenset[ScanTarget]:
    """Return what to scan after events at these paths, which are relative to `root`.

    Only the present state counts, not the kind of the event. A directory is scanned with
    everything below it, because files that arrived with it have no events of their own. A file is
    checked by itself, because its directory may be large. For a path that no longer exists, the
    nearest existing directory is scanned. `root` must be a real path.
    """
    nearest = cache(partial(_nearest_directory, root))
    targets: set[ScanTarget] = set()
    for path in paths:
        parent, _, name = path.rpartition(b"/")
        directory = nearest(parent)
        if directory is None or not patterns.enters(directory.path):
            continue
        exact = directory.exact
        where = joined(directory.path, name)
        mode = _mode(os.path.join(root, where))
        if exact and stat.S_ISDIR(mode) and patterns.enters(where):
            targets.add(ScanTarget(where, deep=True))
        elif exact and stat.S_ISREG(mode):
            if patterns.admits(where):
                targets.add(ScanTarget(directory.path, deep=False, file=name))
        elif not exact or patterns.admits(where) or (not mode and patterns.enters(where)):
            # A path that no longer exists may have been a directory.
            targets.add(ScanTarget(directory.path, deep=False))
    return coalesced(targets)


def coalesced(targets: Iterable[ScanTarget]) -> frozenset[ScanTarget]:
    """Return the targets without those that are part of another one."""
    wanted = set(targets)
    files = Counter(target.path for target in wanted if target.file)
    wanted |= {ScanTarget(path, deep=False) for path, count in files.items() if count > MAX_FILES}
    whole = {target.path for target in wanted if not target.file}
    deep = {target.path for target in wanted if target.deep}
    return frozenset(
        target
        for target in wanted
        if not (
            any(up in deep for up in _above(target.path))
            or (not target.deep and target.path in deep)
            or (target.file and target.path in whole)
        )
    )


def _above(path: bytes) -> Iterable[bytes]:
    while path:
        path = path.rpartition(b"/")[0]
        yield path


def _nearest_directory(root: bytes, path: bytes) -> _Existing | None:
    """Return None if a link on the way leads out of the root."""
    requested = path
    home = root.rstrip(b"/") + b"/"
    while path:
        try:
            real = real_path(home + path)
        except OSError:  # it does not exist, or cannot be reached
            real = b""
        if real is None or (real and not (real + b"/").startswith(home)):
            return None
        if real and stat.S_ISDIR(_mode(real)):
            return _Existing(real[len(home) :], exact=path == requested)
        path = path.rpartition(b"/")[0]
    return _Existing(b"", exact=path == requested)


def _mode(path: bytes) -> int:
    """Return the mode of the path; 0 if it does not exist."""
    try:
        return os.lstat(path).st_mode
    except OSError:
        return 0
