"""The mounts that this process sees, from /proc/self/mountinfo (proc_pid_mountinfo(5))."""

from __future__ import annotations

import asyncio
import os
import re
import select
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import msgspec

MOUNTINFO = "/proc/self/mountinfo"

_ESCAPED = re.compile(rb"\\([0-7]{3})")


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a mountinfo file."""

    number: bytes  # distinguishes it from all other mounts
    device: bytes  # of the file system, as major:minor
    source: bytes  # the directory of that file system which is mounted
    point: bytes
    kind: bytes  # the type of the file system


def parse(mountinfo: bytes) -> list[Mount]:
    """Return the mounts that the text of a mountinfo file lists, bind mounts included."""
    return [_mount(line) for line in mountinfo.splitlines()]


def _mount(line: bytes) -> Mount:
    mount, _, filesystem = line.partition(b" - ")
    number, _, device, source, point, *_ = map(_unescaped, mount.split(b" "))
    kind = filesystem.partition(b" ")[0]
    return Mount(number=number, device=device, source=source, point=point, kind=kind)


def _unescaped(field: bytes) -> bytes:
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 8)]), field)


def mount_points(mountinfo: bytes) -> list[bytes]:
    """Return the mount points that the text of a mountinfo file lists, bind mounts included."""
    return [mount.point for mount in parse(mountinfo)]


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


def current_mounts() -> list[Mount]:
    """Return the mounts at this moment; none where /proc is not mounted."""
    try:
        with open(MOUNTINFO, "rb") as file:
            return parse(file.read())
    except OSError:
        return []


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
    """One watch on all mounts, for any number of subscribers on the running event loop.

    The kernel reports a change of mountinfo as EPOLLPRI (proc_pid_mounts(5)). As the file is always
    readable as well, it is registered for that event alone, with an epoll instance of its own.
    """

    def __init__(self) -> None:
        self._subscribers: set[asyncio.Event] = set()
        self._open: ExitStack | None = None

    @contextmanager
    def changes(self) -> Iterator[asyncio.Event]:
        """Yield an event that is set whenever a mount appears or disappears.

        Raises OSError where /proc is not mounted.
        """
        if self._open is None:
            self._open = self._opened()
        changed = asyncio.Event()
        self._subscribers.add(changed)
        try:
            yield changed
        finally:
            self._subscribers.discard(changed)
            if not self._subscribers:
                self._open.close()
                self._open = None

    def _opened(self) -> ExitStack:
        with ExitStack() as stack:
            file = stack.enter_context(open(MOUNTINFO, "rb"))
            poll = stack.enter_context(select.epoll())
            poll.register(file.fileno(), select.EPOLLPRI)
            loop = asyncio.get_running_loop()
            loop.add_reader(poll.fileno(), self._on_change, poll)
            stack.callback(loop.remove_reader, poll.fileno())
            return stack.pop_all()

    def _on_change(self, poll: select.epoll) -> None:
        poll.poll(0)  # takes the event, which is reported once per change
        for changed in self._subscribers:
            changed.set()
