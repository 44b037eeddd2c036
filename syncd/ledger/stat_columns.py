"""The columns of a file's stat in SQLite, whose integers are signed and have 64 bits.

Device and inode numbers are unsigned: mergerfs, CIFS and CephFS use the last bit too. A file can
have a time after 2262, whose nanoseconds need that bit as well.
"""

from __future__ import annotations

from syncd.model import RootIdentity, Stat

Row = tuple[bytes, int | None, int, int, int, int]
"""A file's name and the columns of its stat; no device for a file that could not be read."""

_HALF, _WHOLE = 2**63, 2**64
_EARLIEST = -(2**61)  # ns: 1896, before the earliest time of any file system in use


def to_columns(stat: Stat) -> tuple[int, int, int, int, int]:
    """Return a stat as the columns device, inode, size, mtime_ns, ctime_ns."""
    return (
        signed(stat.device),
        signed(stat.inode),
        stat.size,
        signed(stat.mtime_ns),
        signed(stat.ctime_ns),
    )


def from_columns(device: int, inode: int, size: int, mtime_ns: int, ctime_ns: int) -> Stat:
    """Return the stat that these columns hold."""
    if device < 0 or inode < 0 or mtime_ns < _EARLIEST or ctime_ns < _EARLIEST:
        device, inode = device % _WHOLE, inode % _WHOLE
        mtime_ns, ctime_ns = _time(mtime_ns), _time(ctime_ns)
    return Stat(device=device, inode=inode, size=size, mtime_ns=mtime_ns, ctime_ns=ctime_ns)


def stat_of(row: Row) -> Stat | None:
    """Return the stat in a row; None for a file that could not be read."""
    _, device, *rest = row
    return None if device is None else from_columns(device, *rest)


def signed(number: int) -> int:
    """Return an unsigned number of 64 bits as a column holds it."""
    return (number + _HALF) % _WHOLE - _HALF


def from_root(root: RootIdentity) -> tuple[int, int, int | None, int | None]:
    """Return a root's identity as the columns device, inode, filesystem, born_ns."""
    filesystem = None if root.filesystem is None else signed(root.filesystem)
    return signed(root.device), signed(root.inode), filesystem, root.born_ns


def to_root(device: int, inode: int, filesystem: int | None, born_ns: int | None) -> RootIdentity:
    """Return the root's identity that these columns hold."""
    return RootIdentity(
        device=unsigned(device),
        inode=unsigned(inode),
        filesystem=None if filesystem is None else unsigned(filesystem),
        born_ns=born_ns,
        unlinked=False,
    )


def unsigned(number: int) -> int:
    """Return the unsigned number of 64 bits that a column holds."""
    return number % _WHOLE


def _time(ns: int) -> int:
    return ns if ns >= _EARLIEST else ns + _WHOLE
