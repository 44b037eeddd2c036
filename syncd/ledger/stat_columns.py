"""How a file's stat is kept in SQLite, whose integers have 64 bits and a sign.

Device and inode numbers are unsigned: mergerfs, CIFS and CephFS use the last bit too. A file's
times may be dated beyond 2262, where nanoseconds need that bit as well.
"""

from __future__ import annotations

from syncd.model import Stat

Row = tuple[bytes, int | None, int, int, int, int]
"""A file's name, and the columns of its stat; no device: it was in trouble, so look again."""

_HALF, _WHOLE = 2**63, 2**64
_EARLIEST = -(2**61)  # ns: 1896, before the earliest date that a file system of today can hold


def columns(stat: Stat) -> tuple[int, int, int, int, int]:
    """Return a stat as the columns device, inode, size, mtime_ns, ctime_ns."""
    return (
        signed(stat.device),
        signed(stat.inode),
        stat.size,
        signed(stat.mtime_ns),
        signed(stat.ctime_ns),
    )


def kept(device: int, inode: int, size: int, mtime_ns: int, ctime_ns: int) -> Stat:
    """Return the stat that those columns keep."""
    if device >= 0 and inode >= 0 and mtime_ns >= _EARLIEST and ctime_ns >= _EARLIEST:
        return Stat(device, inode, size, mtime_ns, ctime_ns)
    return Stat(device % _WHOLE, inode % _WHOLE, size, _time(mtime_ns), _time(ctime_ns))


def stat_in(row: Row) -> Stat | None:
    """Return the stat in a row; None for a file that was in trouble."""
    _, device, *rest = row
    return None if device is None else kept(device, *rest)


def signed(number: int) -> int:
    """Return an unsigned number of 64 bits as a column holds it."""
    return (number + _HALF) % _WHOLE - _HALF


def _time(ns: int) -> int:
    return ns if ns >= _EARLIEST else ns + _WHOLE
