"""Why the ledger does not have a file that exists in a folder."""

from __future__ import annotations

import os
import stat
import time

from syncd.config import FolderConfig
from syncd.folders import skipped
from syncd.folders.intake.settle import time_to_settle
from syncd.folders.patterns import Patterns
from syncd.folders.safe_open import link_target, sentence, stat_of

NOT_SCANNED = "not scanned yet; `syncd status` shows when the folder was last scanned"


def explanation(folder: FolderConfig, path: bytes, settle: float) -> str:
    """Return the reason for `path`, which is relative to the folder and exists.

    `settle` is the seconds for which a file must stay unchanged before it is read.
    """
    whole, patterns = os.path.join(folder.path, path), Patterns(folder.include, folder.exclude)
    try:
        found = os.lstat(whole)
        if stat.S_ISLNK(found.st_mode) and patterns.admits(path):
            if not os.path.isfile(whole) or link_target(folder.path, path) is None:
                return f"skipped ({skipped.text(skipped.LINK)})"
            found = os.stat(whole)
    except OSError as error:
        return sentence(error)
    if stat.S_ISDIR(found.st_mode):
        return "it is a directory; name a file"
    if not patterns.admits(path):
        return f"skipped ({skipped.text(patterns.why_skipped(path))})"
    if not stat.S_ISREG(found.st_mode):
        return "it is not a regular file"
    if left := time_to_settle(stat_of(found), 0.0, time.time_ns(), settle):
        return f"still changing; it is read once it has not changed for {settle:g} s ({left:.0f} s)"
    return NOT_SCANNED
