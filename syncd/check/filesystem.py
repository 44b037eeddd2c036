"""Facts about paths on disk: the directories on the way, owners, modes, ACLs and mounts."""

from __future__ import annotations

import errno
import os
import re
import stat
import struct
from collections.abc import Callable, Iterator

from syncd.check.access import Mount, PathComponent, Tree
from syncd.check.permissions import AclEntry, Permissions, Tag

ACCESS_ACL = "system.posix_acl_access"
MAX_LINKS = 40  # path_resolution(7)

Includes = Callable[[bytes, bool], bool]
"""Whether syncd reads this path, relative to its folder; the second argument: a directory."""


def resolve(path: bytes) -> list[PathComponent]:
    """Return every directory that the resolution of a path passes through, and its target.

    Symbolic links are followed. The list ends early at a path that does not exist, or that this
    process cannot access.
    """
    components: list[PathComponent] = []
    here, links, remaining = b"/", 0, path.split(b"/")[::-1]
    try:
        components.append(component_at(here))
        while remaining:
            name = remaining.pop()
            if name in {b"", b"."}:
                continue
            there = os.path.dirname(here) if name == b".." else os.path.join(here, name)
            if stat.S_ISLNK(os.lstat(there).st_mode):
                links += 1
                if links > MAX_LINKS:
                    break
                target = os.readlink(there)
                remaining += target.split(b"/")[::-1]
                here = b"/" if target.startswith(b"/") else here
                continue
            here = there
            components.append(component_at(here))
    except OSError:
        return components
    return components


def read_tree(top: PathComponent, includes: Includes) -> Tree:
    """Return the permissions of everything below a directory that syncd reads.

    Symbolic links are not followed.
    """
    root = os.fsencode(top.path)
    below: set[Permissions] = set()
    complete, remaining = True, [b""] if top.permissions.directory else []
    while remaining:
        directory = remaining.pop()
        try:
            with os.scandir(os.path.join(root, directory)) as entries:
                for entry in entries:
                    path = os.path.join(directory, os.fsencode(entry.name))
                    found = entry.stat(follow_symlinks=False)
                    is_directory = stat.S_ISDIR(found.st_mode)
                    regular = is_directory or stat.S_ISREG(found.st_mode)
                    if not regular or not includes(path, is_directory):
                        continue
                    below.add(permissions_of(os.path.join(root, path), found))
                    if is_directory:
                        remaining.append(path)
        except OSError:
            complete = False
    return Tree(top, frozenset(below), complete)


def component_at(path: bytes) -> PathComponent:
    """Return the facts about one directory or file. Raises OSError."""
    return PathComponent(os.fsdecode(path), permissions_of(path, os.lstat(path)), mount_of(path))


def permissions_of(path: bytes, found: os.stat_result) -> Permissions:
    return Permissions(
        directory=stat.S_ISDIR(found.st_mode),
        owner=found.st_uid,
        group=found.st_gid,
        mode=stat.S_IMODE(found.st_mode) & 0o777,
        acl=tuple(_entries(_acl(path) or b"")),
    )


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
    return Mount(kind, point, _acl(path) is not None, "noacl" in options.split(","))


def _acl(path: bytes) -> bytes | None:
    """Return the ACL as the kernel stores it, empty without one; None if ACLs are unsupported."""
    try:
        return os.getxattr(path, ACCESS_ACL, follow_symlinks=False)
    except OSError as error:
        return None if error.errno == errno.EOPNOTSUPP else b""


def _entries(acl: bytes) -> Iterator[AclEntry]:
    for tag, grants, id_ in struct.iter_unpack("<HHI", acl[4:]):  # linux/posix_acl_xattr.h
        yield AclEntry(Tag(tag), id_, grants)


def _unescape(field: bytes) -> bytes:
    return re.sub(rb"\\(\d{3})", lambda m: bytes([int(m[1], 8)]), field)
