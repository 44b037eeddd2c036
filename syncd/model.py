"""The values that every room shares: names, digests, hashes, replicas, what a file looks like.

Values are msgspec structs: made ten times as fast as frozen dataclasses, and defined thirty times
as fast. `gc=False` stands where there are very many that hold no container: no cycle can go
through them, and the garbage collector need not look.
"""

from __future__ import annotations

from enum import Enum
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


class Copying(Enum):
    """How a folder's mirrors get its images."""

    AUTO = "auto"
    """As takes fewer calls, unless that takes too many bytes."""
    COPY = "copy"
    """Out of an account that holds them, where that is possible."""
    UPLOAD = "upload"
    """As bytes, many to a POST."""


class Deletions(Enum):
    """What becomes of an image in the accounts when its last file is gone."""

    KEEP = "keep"
    PROPAGATE = "propagate"


class HoldAbove(msgspec.Struct, frozen=True):
    """More deletions at once than the larger of these are held for a person: so many images, or
    such a share of the folder, from 0 to 1."""

    images: int
    share: float


class Absent(Enum):
    """Why there are no bytes of an image now."""

    CHANGED = "the file is not what it was: changing"
    HANGS = "the disk of its folder does not answer"


class ImageStatus(Enum):
    """An image's status in its account, in Meta's words; UNKNOWN when none that we know is said."""

    ACTIVE = "ACTIVE"
    INTERNAL = "INTERNAL"
    DELETED = "DELETED"
    UNKNOWN = ""


class Listed(msgspec.Struct, frozen=True):
    """An image as its account lists it; None is what was not said."""

    hash: ImageHash
    name: str | None
    status: ImageStatus
    created_at: float | None  # unix seconds, by the server's clock
    used: bool | None  # by a creative or an ad


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
