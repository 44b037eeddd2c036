"""What stands on the way to a path and below it: owners, modes, ACLs and file systems."""

from __future__ import annotations

import errno
import os
import re
import stat
import struct
from collections.abc import Callable, Iterator

from syncd.check.access import Passage, Tree, Volume
from syncd.check.permissions import AclEntry, Rights, Tag

ACCESS = "system.posix_acl_access"
MOST_LINKS = 40  # path_resolution(7)

Concerns = Callable[[bytes, bool], bool]
"""Whether a path below the top, a directory or not, is one that has to be read."""


def way_to(path: bytes) -> list[Passage]:
    """Return every directory that is passed on the way to a path, links followed, and its end.

    Ends early where nothing is, or where this process may not look.
    """
    found: list[Passage] = []
    here, links, ahead = b"/", 0, path.split(b"/")[::-1]
    try:
        found.append(passage(here))
        while ahead:
            name = ahead.pop()
            if name in {b"", b"."}:
                continue
            there = os.path.dirname(here) if name == b".." else os.path.join(here, name)
            if stat.S_ISLNK(os.lstat(there).st_mode):
                links += 1
                if links > MOST_LINKS:
                    break
                target = os.readlink(there)
                ahead += target.split(b"/")[::-1]
                here = b"/" if target.startswith(b"/") else here
                continue
            here = there
            found.append(passage(here))
    except OSError:
        return found
    return found


def tree_of(top: Passage, concerns: Concerns) -> Tree:
    """Look at all below a directory that has to be read; a link is not followed."""
    root = os.fsencode(top.path)
    below: set[Rights] = set()
    whole, ahead = True, [b""] if top.rights.directory else []
    while ahead:
        directory = ahead.pop()
        try:
            with os.scandir(os.path.join(root, directory)) as entries:
                for entry in entries:
                    path = os.path.join(directory, os.fsencode(entry.name))
                    found = entry.stat(follow_symlinks=False)
                    is_directory = stat.S_ISDIR(found.st_mode)
                    regular = is_directory or stat.S_ISREG(found.st_mode)
                    if not regular or not concerns(path, is_directory):
                        continue
                    below.add(rights_of(os.path.join(root, path), found))
                    if is_directory:
                        ahead.append(path)
        except OSError:
            whole = False
    return Tree(top, frozenset(below), whole)


def passage(path: bytes) -> Passage:
    """Look at one directory or file. Raises OSError."""
    return Passage(os.fsdecode(path), rights_of(path, os.lstat(path)), volume_of(path))


def rights_of(path: bytes, found: os.stat_result) -> Rights:
    return Rights(
        stat.S_ISDIR(found.st_mode),
        found.st_uid,
        found.st_gid,
        stat.S_IMODE(found.st_mode) & 0o777,
        tuple(_entries(_acl(path) or b"")),
    )


def volume_of(path: bytes) -> Volume:
    """Return the file system that a path without links lies on."""
    kind, point, options = "", "/", ""
    with open("/proc/self/mountinfo", "rb") as file:  # proc(5): the later covers the earlier
        for line in file:
            before, _, after = line.partition(b" - ")
            at = _unescaped(before.split()[4])
            if (path + b"/").startswith(at.rstrip(b"/") + b"/") and len(at) >= len(point):
                found = os.fsdecode(after).split()
                kind, options = found[0], found[-1]
                point = os.fsdecode(at)
    return Volume(kind, point, _acl(path) is not None, "noacl" in options.split(","))


def _acl(path: bytes) -> bytes | None:
    """Return an ACL as the kernel has it, empty if there is none; None where there can be none."""
    try:
        return os.getxattr(path, ACCESS, follow_symlinks=False)
    except OSError as error:
        return None if error.errno == errno.EOPNOTSUPP else b""


def _entries(acl: bytes) -> Iterator[AclEntry]:
    for tag, grants, who in struct.iter_unpack("<HHI", acl[4:]):  # linux/posix_acl_xattr.h
        yield AclEntry(Tag(tag), who, grants)


def _unescaped(field: bytes) -> bytes:
    return re.sub(rb"\\(\d{3})", lambda m: bytes([int(m[1], 8)]), field)
