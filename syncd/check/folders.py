"""Checks of the folders: that the user can read them, and that the system can watch them."""

from __future__ import annotations

import errno
import os
from collections import Counter
from pathlib import Path

from syncd.check.result import Check, CheckedPath, bad, ok
from syncd.check.shell import Command
from syncd.config import FolderConfig
from syncd.folders import skipped
from syncd.folders.patterns import Patterns
from syncd.folders.safe_open import SENTENCES, Unreadable, joined
from syncd.folders.scanning.walk import list_directory
from syncd.folders.watching.targets import EVERYWHERE, ScanTarget
from syncd.model import printable

DENIED = SENTENCES[errno.EACCES]
WATCH_LIMIT = "watch limit"
_SYSCTL_FILE = "/etc/sysctl.d/60-syncd.conf"


def check_folder(folder: FolderConfig, root: bytes) -> tuple[Check, int]:
    """Check that every directory and image can be read; return the number of directories too.

    `root` is a path at which this process reaches the folder.
    """
    subject, where = f"folder {folder.name}", printable(folder.path)
    patterns = Patterns(folder.include, folder.exclude)
    remaining, files, directories = [EVERYWHERE], 0, 0
    left_out = Counter[str]()
    denied: list[bytes] = []
    troubles: list[str] = []
    while remaining:
        target = remaining.pop()
        try:
            listing = list_directory(root, target.path, patterns)
        except Unreadable as error:
            if error.reason == DENIED:
                denied.append(target.path)
            elif not target.path:
                return bad(subject, f"{where}: {error.reason}; syncd waits for it"), 0
            else:
                troubles.append(f"{printable(target.path)}: {error.reason}")
            continue
        directories += 1
        files += len(listing.files)
        skipped.add(left_out, listing.skipped)
        denied += [trouble.path for trouble in listing.troubles if trouble.reason == DENIED]
        troubles += [
            f"{printable(t.path)}: {t.reason}" for t in listing.troubles if t.reason != DENIED
        ]
        names = [joined(target.path, name) for name in listing.files]
        denied += [name for name in names if not os.access(os.path.join(root, name), os.R_OK)]
        remaining += [
            ScanTarget(joined(target.path, name), deep=True) for name in listing.directories
        ]
    if denied:
        checked = CheckedPath(folder.path, denied=True)
        return bad(subject, _denied(where, denied), path=checked), directories
    if troubles:
        more = f" (and {len(troubles) - 1:,} more)" if len(troubles) > 1 else ""
        return bad(subject, f"{where}: fix {troubles[0]}{more}"), directories
    amount = (
        f"{_count(files, 'file', 'files')} in {_count(directories, 'directory', 'directories')}"
    )
    if counts := skipped.summary(left_out):
        amount += f"; skipped: {skipped.sentence(counts)}"
    return ok(subject, f"{where}: {amount}", CheckedPath(folder.path, denied=False)), directories


def check_watch_limit(inotify: Path, directories: int, folders: int) -> Check:
    """Compare the number of watches that the folders need with the limits of each user.

    `inotify` is /proc/sys/fs/inotify; see inotify(7). Each folder needs one instance, and one more
    while its watch is rebuilt.
    """
    try:
        watches = _limit(inotify, "max_user_watches")
        instances = _limit(inotify, "max_user_instances")
    except OSError:
        return ok(WATCH_LIMIT, "not readable here; the daemon logs when it is reached")
    if directories > watches * 0.9:
        message = f"{directories:,} directories need a watch, and the limit is {watches:,}"
        commands = _raise_limit("max_user_watches", max(2 * directories, 524_288))
        return bad(WATCH_LIMIT, message, commands)
    if folders + 1 > instances * 0.9:
        message = f"{folders:,} folders need an inotify instance, and the limit is {instances:,}"
        commands = _raise_limit("max_user_instances", max(2 * folders, 512))
        return bad(WATCH_LIMIT, message, commands)
    return ok(WATCH_LIMIT, f"{directories:,} of the {watches:,} directories that can be watched")


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _denied(where: str, denied: list[bytes]) -> str:
    if denied == [b""]:
        return where
    more = f" and {len(denied) - 1:,} more in it" if len(denied) > 1 else " in it"
    return f"{where}: permission denied for {printable(min(denied))}{more}"


def _limit(inotify: Path, name: str) -> int:
    return int((inotify / name).read_text("ascii"))


def _raise_limit(limit: str, to: int) -> tuple[Command, ...]:
    line = f"fs.inotify.{limit}={to}"
    return (Command(("tee", "-a", _SYSCTL_FILE), (line,)), Command(("sysctl", "--system")))
