"""Facts about paths on disk: the directories on the way, what denies access, and mounts."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path

import msgspec

from syncd.check.facts import PathFacts, Step

ACCESS_ACL = "system.posix_acl_access"
MAX_LINKS = 40  # path_resolution(7)


class Mount(msgspec.Struct, frozen=True):
    """A mounted file system; `noacl` when the mount option noacl switched its ACLs off."""

    kind: str
    point: str
    acls: bool = True
    noacl: bool = False

    @property
    def can_have_acls(self) -> bool:
        return self.acls or self.noacl


def path_facts(path: bytes) -> PathFacts:
    """Return where the resolution of an absolute path leads, and what this process can do there."""
    steps, error = resolve(path)
    last = steps[-1].path
    try:
        read_only = bool(os.statvfs(last).f_flag & os.ST_RDONLY)
        directory = os.path.isdir(last)
    except OSError:
        read_only = directory = False
    return PathFacts(
        path=path,
        steps=tuple(steps),
        error=error,
        readable=can_read(last) and (not directory or permits(last, os.X_OK)),
        read_only=read_only,
        directory=directory,
    )


def can_read(path: bytes) -> bool:
    """Return whether this process can open a file or directory: with its capabilities, too."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY))
    except OSError as error:
        return error.errno not in (errno.EACCES, errno.EPERM)
    return True


def permits(path: bytes | Path, wanted: int) -> bool:
    """Return whether this process has a permission, by its real or by its effective ids.

    A system call filter may deny faccessat2(2), which asks about the effective ids.
    """
    return os.access(path, wanted) or os.access(path, wanted, effective_ids=True)


def resolve(path: bytes) -> tuple[list[Step], int]:
    """Return every directory that the resolution of a path passes through, and its target.

    Symbolic links are followed. The list ends early at a path that does not exist, or that this
    process cannot access; then the errno is returned too, and 0 otherwise.
    """
    here, links, remaining = b"/", 0, path.split(b"/")[::-1]
    steps = [_step(here)]
    try:
        while remaining:
            name = remaining.pop()
            if name in {b"", b"."}:
                continue
            there = os.path.dirname(here) if name == b".." else os.path.join(here, name)
            found = os.lstat(there)
            if stat.S_ISLNK(found.st_mode):
                links += 1
                if links > MAX_LINKS:
                    return steps, errno.ELOOP
                target = os.readlink(there)
                remaining += target.split(b"/")[::-1]
                here = b"/" if target.startswith(b"/") else here
                continue
            here = there
            steps.append(Step(here, found.st_dev, found.st_ino))
    except OSError as error:
        return steps, error.errno or errno.EIO
    return steps, 0


def _step(path: bytes) -> Step:
    found = os.lstat(path)
    return Step(path, found.st_dev, found.st_ino)


def mount_of(path: bytes) -> Mount:
    """Return the mount that contains a path without symbolic links."""
    kind, point, options = "", "/", ""
    # proc(5); a later line hides an earlier one with the same mount point.
    with open("/proc/self/mountinfo", "rb") as file:
        for line in file:
            before, _, after = line.partition(b" - ")
            at = _unescape(before.split()[4])
            if (path + b"/").startswith(at.rstrip(b"/") + b"/") and len(at) >= len(point):
                fields = os.fsdecode(after).split()
                kind, options = fields[0], fields[-1]
                point = os.fsdecode(at)
    return Mount(kind, point, _has_acls(path), "noacl" in options.split(","))


def _has_acls(path: bytes) -> bool:
    """Return whether the file system of a path stores ACLs."""
    try:
        os.getxattr(path, ACCESS_ACL, follow_symlinks=False)
    except OSError as error:
        return error.errno != errno.EOPNOTSUPP
    return True


def _unescape(field: bytes) -> bytes:
    return re.sub(rb"\\(\d{3})", lambda m: bytes([int(m[1], 8)]), field)
