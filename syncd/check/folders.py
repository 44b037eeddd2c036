"""Facts about the folders: what can be read in them, and what cannot."""

from __future__ import annotations

import errno
import os
from collections import Counter

from syncd.check.facts import FolderFacts, bounded
from syncd.check.filesystem import can_read
from syncd.config import FolderConfig
from syncd.folders import skipped
from syncd.folders.patterns import Patterns
from syncd.folders.safe_open import SENTENCES, Unreadable
from syncd.folders.scanning.walk import list_directory
from syncd.folders.watching.targets import EVERYWHERE, ScanTarget
from syncd.model import joined

DENIED = SENTENCES[errno.EACCES]


def folder_facts(folder: FolderConfig) -> FolderFacts:
    """Read every directory, and try the access to every image."""
    root, patterns = folder.path, Patterns(folder.include, folder.exclude)
    remaining, files, directories = [EVERYWHERE], 0, 0
    left_out = Counter[str]()
    denied: list[bytes] = []
    troubles: list[tuple[bytes, str]] = []
    while remaining:
        target = remaining.pop()
        try:
            listing = list_directory(root, target.path, patterns)
        except Unreadable as error:
            if error.reason == DENIED:
                denied.append(target.path)
            elif not target.path:
                return FolderFacts(name=folder.name, failure=bounded(error.reason), skipped={})
            else:
                troubles.append((target.path, error.reason))
            continue
        directories += 1
        files += len(listing.files)
        skipped.add(left_out, listing.skipped)
        denied += [trouble.path for trouble in listing.troubles if trouble.reason == DENIED]
        troubles += [(t.path, t.reason) for t in listing.troubles if t.reason != DENIED]
        names = [joined(target.path, name) for name in listing.files]
        denied += [name for name in names if not can_read(os.path.join(root, name))]
        remaining += [
            ScanTarget(joined(target.path, name), deep=True) for name in listing.directories
        ]
    first, trouble = troubles[0] if troubles else (b"", "")
    return FolderFacts(
        name=folder.name,
        files=files,
        directories=directories,
        skipped=skipped.summary(left_out),
        denied=len(denied),
        first_denied=min(denied, default=b""),
        troubles=len(troubles),
        first_trouble=first,
        trouble=bounded(trouble),
    )
