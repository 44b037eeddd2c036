"""Whether the person can read a folder and every image in it."""

from __future__ import annotations

import errno
import os

from syncd.check.result import Check, Place, bad, ok
from syncd.config import FolderConfig
from syncd.folders.patterns import Patterns
from syncd.folders.safe_open import SENTENCES, Unreadable, joined
from syncd.folders.scanning.walk import list_directory
from syncd.folders.watching.targets import EVERYWHERE, ScanTarget
from syncd.model import printable

_DIRECTORIES = ("directory", "directories")
DENIED = SENTENCES[errno.EACCES]


def folder_read(folder: FolderConfig, root: bytes) -> tuple[Check, int]:
    """Read the folder through, by the path at which it is reached; count its directories."""
    subject, where = f"folder {folder.name}", printable(folder.path)
    patterns = Patterns(folder.include, folder.exclude)
    ahead, files, directories = [EVERYWHERE], 0, 0
    denied: list[bytes] = []
    troubles: list[str] = []
    while ahead:
        look = ahead.pop()
        try:
            listing = list_directory(root, look.path, patterns)
        except Unreadable as error:
            if error.reason == DENIED:
                denied.append(look.path)
            elif not look.path:
                return bad(subject, f"{where}: {error.reason}; syncd waits for it"), 0
            else:
                troubles.append(f"{printable(look.path)}: {error.reason}")
            continue
        directories += 1
        files += len(listing.files)
        denied += [trouble.path for trouble in listing.troubles if trouble.reason == DENIED]
        troubles += [
            f"{printable(t.path)}: {t.reason}" for t in listing.troubles if t.reason != DENIED
        ]
        names = [joined(look.path, name) for name in listing.files]
        denied += [name for name in names if not os.access(os.path.join(root, name), os.R_OK)]
        ahead += [ScanTarget(joined(look.path, name), deep=True) for name in listing.directories]
    if denied:
        place = Place(folder.path, closed=True)
        return bad(subject, _denied(where, denied), place=place), directories
    if troubles:
        more = f" (and {len(troubles) - 1:,} more)" if len(troubles) > 1 else ""
        return bad(subject, f"{where}: mend {troubles[0]}{more}"), directories
    said = f"{where}: {_amount(files, 'file', 'files')} in {_amount(directories, *_DIRECTORIES)}"
    return ok(subject, said, Place(folder.path, closed=False)), directories


def _amount(count: int, one: str, more: str) -> str:
    return f"{count:,} {one if count == 1 else more}"


def _denied(where: str, denied: list[bytes]) -> str:
    if denied == [b""]:
        return where
    more = f" and {len(denied) - 1:,} more in it" if len(denied) > 1 else " in it"
    return f"{where}: permission denied for {printable(min(denied))}{more}"
