"""The identity of a file system: it differs from that of another one at the same path later.

Device and inode numbers are reused: the root of every ext4 file system has inode 2, and a device
number is free again once its file system is unmounted.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Callable
from functools import cache

from syncd.folders.safe_open import sentence
from syncd.model import RootIdentity

_AT_FDCWD = -100
_STATX_BTIME = 0x800
_STATX_SIZE = 256  # bytes of struct statx
_MASK = struct.Struct("I")
_BIRTH = struct.Struct("qI")  # seconds, nanoseconds
_BIRTH_OFFSET = 80  # of stx_btime in struct statx (statx(2))


def root_identity(root: bytes) -> RootIdentity | None:
    """Return which directory the root is; None if that path is not a directory."""
    try:
        found = os.stat(root)
    except OSError:
        return None
    if not stat.S_ISDIR(found.st_mode):
        return None
    return RootIdentity(
        device=found.st_dev,
        inode=found.st_ino,
        filesystem=_if_known(lambda: filesystem_id(root, found.st_dev)),
        born_ns=_if_known(lambda: birth_time_ns(root)),
        unlinked=found.st_nlink == 0,
    )


def why_missing(root: bytes) -> str:
    """Return why a path has no root identity, in the operator's words."""
    try:
        os.stat(root)
    except OSError as error:
        return sentence(error)
    return "it is not a directory"


def filesystem_id(path: bytes, device: int) -> int | None:
    """Return f_fsid of statvfs(3); None where it is unknown.

    Some file systems (xfs, /proc) derive it from the device number, `device` as stat(2) returns
    it, and some network file systems give 0: neither identifies anything.
    Raises OSError for a path that cannot be read.
    """
    found = os.statvfs(path).f_fsid
    return None if found in (0, _encoded(device), device) else found


def birth_time_ns(path: bytes) -> int | None:
    """Return when a directory was created, by statx(2), in nanoseconds since the epoch.

    None where the file system does not record it, or has 0, or where the C library has no statx.
    Raises OSError for a path that cannot be read.
    """
    if (statx := _statx()) is None:
        return None
    buffer = ctypes.create_string_buffer(_STATX_SIZE)
    if statx(_AT_FDCWD, path, 0, _STATX_BTIME, buffer):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    (mask,) = _MASK.unpack_from(buffer)
    seconds, nanoseconds = _BIRTH.unpack_from(buffer, _BIRTH_OFFSET)
    born_ns = seconds * 10**9 + nanoseconds
    return born_ns if mask & _STATX_BTIME and 0 < born_ns < 2**63 else None


@cache
def _statx() -> ctypes._NamedFuncPointer | None:  # opening the library again takes 9 us
    try:
        return ctypes.CDLL(None, use_errno=True).statx
    except AttributeError:
        return None


def _if_known(read: Callable[[], int | None]) -> int | None:
    try:
        return read()
    except OSError:  # a file system, on FUSE for example, that does not implement the call
        return None


def _encoded(device: int) -> int:
    """Return a device number as the kernel encodes it for user space (new_encode_dev)."""
    major, minor = os.major(device), os.minor(device)
    return (minor & 0xFF) | (major << 8) | ((minor & ~0xFF) << 12)
