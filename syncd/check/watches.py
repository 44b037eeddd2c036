"""Whether the system grants as many watches as the folders need."""

from __future__ import annotations

from pathlib import Path

from syncd.check.result import Check, bad, ok
from syncd.check.shell import Command, run

SUBJECT = "watch limit"
_SETTINGS = "/etc/sysctl.d/60-syncd.conf"


def watches(inotify: Path, directories: int, folders: int) -> Check:
    """Compare what is needed with the limits, which hold for each user; see inotify(7).

    A folder takes an instance, and one more for a moment when its watch is built.
    """
    try:
        most = _limit(inotify, "max_user_watches")
        instances = _limit(inotify, "max_user_instances")
    except OSError:
        return ok(SUBJECT, "not shown here; the daemon says so if it is reached")
    if directories > most * 0.9:
        said = f"{directories:,} directories, and {most:,} watches at most"
        return bad(SUBJECT, said, _raised("max_user_watches", max(2 * directories, 524_288)))
    if folders + 1 > instances * 0.9:
        said = f"{folders:,} folders, and {instances:,} inotify instances at most"
        return bad(SUBJECT, said, _raised("max_user_instances", max(2 * folders, 512)))
    return ok(SUBJECT, f"{directories:,} of the {most:,} directories that can be watched")


def _limit(inotify: Path, name: str) -> int:
    return int((inotify / name).read_text("ascii"))


def _raised(limit: str, to: int) -> tuple[Command, ...]:
    line = f"fs.inotify.{limit}={to}"
    return (Command(("tee", "-a", _SETTINGS), (line,)), run("sysctl", "--system"))
