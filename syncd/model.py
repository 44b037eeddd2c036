"""The values that every room shares: names, digests, hashes, replicas, what a file looks like.

Values are msgspec structs: made ten times as fast as frozen dataclasses, and defined thirty times
as fast. `gc=False` stands where there are very many that hold no container: no cycle can go
through them, and the garbage collector need not look.
"""

from __future__ import annotations

from typing import NewType

import msgspec

Digest = NewType("Digest", bytes)
"""Ours: the 32 bytes of a file's SHA-256, as `sha256sum` would print them in hex."""

ImageHash = NewType("ImageHash", str)
"""Theirs: the name of an image inside an ad account. No digest of the bytes sent."""

AccountName = NewType("AccountName", str)
"""What the configuration calls an account."""

AccountId = NewType("AccountId", str)
"""The digits of an ad account's id, without `act_`."""

FolderName = NewType("FolderName", str)
"""What the configuration calls a folder."""


class Stat(msgspec.Struct, frozen=True, gc=False):
    """What tells one version of a file from the next without reading it; times in ns."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


class RootIdentity(msgspec.Struct, frozen=True):
    """Which directory a folder's path led to: another one there is another tree."""

    device: int
    inode: int
    links: int

    def is_still(self, later: RootIdentity | None) -> bool:
        """Tell whether the same directory was found later, and is more than a ghost.

        The number of links changes with every sub-directory; none at all means that the directory
        was removed, and is only still mounted somewhere.
        """
        return (
            later is not None
            and (later.device, later.inode) == (self.device, self.inode)
            and later.links > 0
        )


class Entry(msgspec.Struct, frozen=True, gc=False):
    """What an account answers for an image that it holds: pixels, and URLs that expire."""

    hash: ImageHash
    name: str | None = None
    width: int | None = None
    height: int | None = None
    url: str | None = None
    url_128: str | None = None
    url_256: str | None = None


def printable(name: bytes) -> str:
    """Return a file name as one line of text: what is not printable UTF-8 is escaped."""
    text = name.decode("utf-8", "surrogateescape")
    if text.isprintable():
        return text
    return "".join(
        c
        if c.isprintable()
        else "".join(f"\\x{b:02x}" for b in c.encode("utf-8", "surrogateescape"))
        for c in text
    )
