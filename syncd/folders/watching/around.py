"""What to watch in a tree of which not all can be watched.

notify gives up a tree at the first directory that it may not read, and leaves what it would have
come to next unwatched. So every directory beside the way to an unreadable one is named by itself.
"""

from __future__ import annotations

import os


def unreadable_directories(root: bytes) -> frozenset[bytes]:
    """Return the directories below the root that cannot be read, and the links to directories.

    notify follows such links, and may be stopped behind them.
    """
    closed: set[bytes] = set()
    for path, directories, _ in os.walk(root):
        for name in directories:
            below = os.path.join(path, name)
            if os.path.islink(below) or not _is_readable(below):
                closed.add(below)
    return frozenset(closed)


def paths_around(root: bytes, closed: frozenset[bytes]) -> tuple[bytes, ...]:
    """Return the directories whose trees together hold all that is readable, the root first."""
    split = {root}
    for path in closed:
        while (path := os.path.dirname(path)) not in split:
            split.add(path)
    paths: list[bytes] = []
    for directory in sorted(split):
        paths.append(directory)
        with os.scandir(directory) as entries:
            paths += [
                e.path
                for e in entries
                if e.path not in closed and e.path not in split and e.is_dir(follow_symlinks=False)
            ]
    return tuple(paths)


def _is_readable(path: bytes) -> bool:
    return os.access(path, os.R_OK | os.X_OK, effective_ids=True)
