"""The names of the files in a folder that syncd does not take, with the reasons."""

from __future__ import annotations

import os
from collections.abc import Iterator

from syncd.config import FolderConfig
from syncd.folders import skipped
from syncd.folders.patterns import Patterns
from syncd.folders.safe_open import link_target
from syncd.folders.scanning.walk import why_left_out


def left_out(folder: FolderConfig) -> Iterator[tuple[bytes, str]]:
    """Yield the whole path and the code of the reason of each file, as a scan counts them.

    A directory that a scan does not enter is one of them; one that cannot be read has none.
    """
    patterns = Patterns(folder.include, folder.exclude)
    waiting = [b""]
    while waiting:
        directory = waiting.pop()
        try:
            entries = os.scandir(os.fsdecode(os.path.join(folder.path, directory)))
        except OSError:  # the scan has recorded that
            continue
        with entries:
            for entry in entries:
                path = os.path.join(directory, os.fsencode(entry.name))
                if _is_directory(entry) and patterns.enters(path):
                    waiting.append(path)
                elif (why := _why(folder.path, entry, path, patterns)) is not None:
                    yield os.path.join(folder.path, path), why


def _why(root: bytes, entry: os.DirEntry[str], path: bytes, patterns: Patterns) -> str | None:
    if _is_directory(entry) or not patterns.admits(path):
        return why_left_out(entry, path, patterns)
    return skipped.LINK if entry.is_symlink() and not _is_taken(root, path) else None


def _is_taken(root: bytes, link: bytes) -> bool:
    """Return whether a link leads to a file in the folder."""
    try:
        return link_target(root, link) is not None and os.path.isfile(os.path.join(root, link))
    except OSError:  # it leads to nothing
        return False


def _is_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:  # the scan has recorded that
        return False
