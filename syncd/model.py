"""The values that several packages share: digests, hashes, names, ids, and a file's stat.

Values are msgspec structs: they are created ten times as fast as frozen dataclasses, and their
classes are defined thirty times as fast. Numerous structs without containers have `gc=False`: they
cannot be part of a reference cycle, so that the garbage collector does not have to visit them.
"""

from __future__ import annotations

from enum import Enum
from typing import NewType

import msgspec

Digest = NewType("Digest", bytes)
"""Our name of an image: the 32 bytes of the SHA-256 that `sha256sum` prints in hex."""

ImageHash = NewType("ImageHash", str)
"""Meta's name of an image inside an ad account; not a digest of the bytes that were sent."""

AccountName = NewType("AccountName", str)
"""The name of an account in the configuration."""

AccountId = NewType("AccountId", str)
"""The digits of an ad account's id, without `act_`."""

FolderName = NewType("FolderName", str)
"""The name of a folder in the configuration."""


class Stat(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The fields that distinguish two versions of a file without reading it; times in ns."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


class Moment(msgspec.Struct, frozen=True, gc=False):
    """A moment by two clocks: the wall clock for display, and the ledger's age for comparisons."""

    at: float  # unix seconds
    age: float  # seconds for which a daemon has run on the ledger


class Sent(msgspec.Struct, frozen=True, gc=False):
    """When an image was sent to an account, in unix seconds by the server's clock.

    `clock_offset` is by how many seconds that clock was ahead of ours then; None: it was unknown,
    and `at` is by our clock.
    """

    at: float
    clock_offset: int | None


class RootIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """The identity of the directory that a path led to.

    The system reuses device and inode numbers; it does not reuse the other two.
    """

    device: int
    inode: int
    filesystem: int | None  # f_fsid of statvfs(3); None: unknown
    born_ns: int | None  # birth time; None: unknown
    unlinked: bool  # it was deleted, but is still mounted


class Entry(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An image that an account holds, as its API describes it; sizes in pixels."""

    hash: ImageHash
    name: str | None = None
    width: int | None = None
    height: int | None = None


class Copying(Enum):
    """How a folder's images get into its mirrors."""

    AUTO = "auto"
    """By copies or uploads, whichever needs fewer calls and does not send too many bytes."""
    COPY = "copy"
    """By copies from an account that holds them, where that is possible."""
    UPLOAD = "upload"
    """By uploads, with many images in a POST."""


class Deletions(Enum):
    """Whether an image whose last file was deleted leaves the accounts."""

    KEEP = "keep"
    """It stays."""
    PROPAGATE = "propagate"
    """It is deleted too."""


class HoldAbove(msgspec.Struct, frozen=True):
    """The limit above which deletions are held for the operator: the larger of the two.

    `share` is a share of the folder's images, from 0 to 1.
    """

    images: int
    share: float


class Absent(Enum):
    """Why the bytes of an image cannot be read now."""

    CHANGED = "the file has changed, or is changing"
    UNREADABLE = "the file cannot be read"
    HANGS = "the disk of its folder does not respond"


class ImageStatus(Enum):
    """An image's status in its account, as the API names it; UNKNOWN for any other."""

    ACTIVE = "ACTIVE"
    INTERNAL = "INTERNAL"
    DELETED = "DELETED"
    UNKNOWN = ""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """An image as its account lists it; None: the response did not contain the field."""

    hash: ImageHash
    name: str | None
    status: ImageStatus
    created_at: float | None  # unix seconds, by the server's clock
    used: bool | None  # whether a creative or an ad uses it
    pixels: tuple[int, int] | None = None  # width and height; requested only where they decide


def joined(directory: bytes, name: bytes) -> bytes:
    """Return the path of a name in a directory, which is empty for the root."""
    return directory + b"/" + name if directory else name


def whole_path(root: bytes, path: bytes) -> bytes:
    """Return the absolute path of a file, from that relative to the root of its folder."""
    return root.rstrip(b"/") + b"/" + path


def decoded_name(name: bytes) -> str:
    """Return a file name as text; `encoded_name` returns it, also if it is not UTF-8."""
    return name.decode("utf-8", "surrogateescape")


def encoded_name(text: str) -> bytes:
    """Return the file name that `decoded_name` has returned as text."""
    return text.encode("utf-8", "surrogateescape")


def printable(name: bytes | str) -> str:
    r"""Return a file name or a text as one line that no terminal acts on.

    What is not printable, such as control characters and bytes that are not UTF-8, is written as
    the `\xNN` of its bytes.
    """
    text = name if isinstance(name, str) else decoded_name(name)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    is_byte = "\udc80" <= character <= "\udcff"  # the notation of `surrogateescape`
    encoded = character.encode("utf-8", "surrogateescape" if is_byte else "surrogatepass")
    return "".join(f"\\x{byte:02x}" for byte in encoded)
