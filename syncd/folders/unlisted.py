"""Files in the folders that the ledger does not have, each with the reason."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from math import inf

import msgspec

from syncd.config import Config, FolderConfig
from syncd.folders.unknown import NOT_SCANNED, explanation
from syncd.ledger.lock import is_in_use


class Unlisted(msgspec.Struct, frozen=True):
    """A file that the ledger does not have; its path is relative to the folder."""

    folder: FolderConfig
    path: bytes
    why: str


def explained(config: Config, folder: FolderConfig, path: bytes) -> Unlisted:
    """Return a file with the reason why the ledger does not have it."""
    why = explanation(folder, path, config.watch.settle)
    if why == NOT_SCANNED and not is_in_use(config.ledger.path):
        why += ", and syncd is not running"
    return Unlisted(folder, path, why)


def named(
    config: Config, is_meant: Callable[[bytes], bool], until: float = inf
) -> Iterator[tuple[FolderConfig, bytes]]:
    """Yield the files in the folders whose base name is meant, with their path in the folder.

    Raises TimeoutError at `until`, a time of time.monotonic().
    """
    for folder in config.folders.values():
        for directory, _, names in os.walk(folder.path):
            if time.monotonic() > until:
                raise TimeoutError
            for name in filter(is_meant, names):
                yield folder, os.path.relpath(os.path.join(directory, name), folder.path)
