"""Check of the system's limits on the number of watched directories."""

from __future__ import annotations

from pathlib import Path

from syncd.check.result import Check, bad, ok
from syncd.check.shell import Command

WATCH_LIMIT = "watch limit"
_SYSCTL_FILE = "/etc/sysctl.d/60-syncd.conf"


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


def _limit(inotify: Path, name: str) -> int:
    return int((inotify / name).read_text("ascii"))


def _raise_limit(limit: str, to: int) -> tuple[Command, ...]:
    line = f"fs.inotify.{limit}={to}"
    return (Command(("tee", "-a", _SYSCTL_FILE), (line,)), Command(("sysctl", "--system")))
