"""The mounts that this process sees, from /proc/self/mountinfo (proc_pid_mountinfo(5))."""

from __future__ import annotations

import asyncio
import os
import re
import select
from collections.abc import Callable
from types import TracebackType
from typing import Self

MOUNTINFO = "/proc/self/mountinfo"

_MOUNT_POINT = 4  # the field's index in a line
_ESCAPED = re.compile(rb"\\([0-7]{3})")


def mount_points(mountinfo: bytes) -> list[bytes]:
    """Return the mount points that the text of a mountinfo file lists, bind mounts included."""
    return [
        _ESCAPED.sub(lambda found: bytes([int(found[1], 8)]), line.split(b" ")[_MOUNT_POINT])
        for line in mountinfo.splitlines()
    ]


def mounts_below(root: bytes, mountinfo: bytes) -> frozenset[bytes]:
    """Return the mount points below a directory, relative to it; `root` is a real path."""
    above = root.rstrip(b"/") + b"/"
    return frozenset(
        point.removeprefix(above)
        for point in mount_points(mountinfo)
        if point.startswith(above) and point != above
    )


def mounts_around(root: bytes, mountinfo: bytes) -> list[bytes]:
    """Return the lines of the mounts at, above and below a directory; `root` is a real path."""
    here = root.rstrip(b"/") + b"/"
    return [
        line
        for line, point in zip(mountinfo.splitlines(), mount_points(mountinfo), strict=True)
        if (inside := point.rstrip(b"/") + b"/").startswith(here) or here.startswith(inside)
    ]


def current_mounts_around(root: bytes) -> list[bytes]:
    """Return the lines of the mounts at, above and below a directory at this moment.

    Raises OSError where /proc is not mounted.
    """
    with open(MOUNTINFO, "rb") as file:
        return mounts_around(os.path.realpath(root), file.read())


def current_mounts_below(root: bytes) -> frozenset[bytes]:
    """Return the mount points below a directory at this moment, relative to it.

    Raises OSError where /proc is not mounted.
    """
    with open(MOUNTINFO, "rb") as file:
        return mounts_below(root, file.read())


class MountWatch:
    """Calls `changed` on the running event loop whenever a mount appears or disappears.

    The kernel reports a change of mountinfo as EPOLLPRI (proc_pid_mounts(5)). As the file is always
    readable as well, it is registered for that event alone, with an epoll instance of its own.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed

    def __enter__(self) -> Self:
        self._file = open(MOUNTINFO, "rb")
        self._poll = select.epoll()
        self._poll.register(self._file.fileno(), select.EPOLLPRI)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._poll.fileno(), self._on_change)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.remove_reader(self._poll.fileno())
        self._poll.close()
        self._file.close()

    def _on_change(self) -> None:
        self._poll.poll(0)  # takes the event, which is reported once per change
        self._changed()
