"""The requests and replies of a check, and its findings."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from enum import StrEnum
from typing import Any, TypeAlias

import msgspec

from syncd.graph.json_values import image_hash
from syncd.model import ImageHash
from syncd.rules.errors import ApiError
from syncd.rules.pacing.budget import READ_POINTS, WRITE_POINTS
from syncd.rules.pacing.usage import BudgetUsage


class File(msgspec.Struct, frozen=True):
    """A file of an upload."""

    name: str
    content: bytes


class Upload(msgspec.Struct, frozen=True):
    """Files in one POST; `images` is how many images they hold."""

    files: tuple[File, ...]
    images: int


class UploadBytes(msgspec.Struct, frozen=True):
    """One image as the form field `bytes`."""

    file: File


class Copy(msgspec.Struct, frozen=True):
    """A copy of one of the account's own images."""

    hash: ImageHash


class Delete(msgspec.Struct, frozen=True):
    """The deletion of an image."""

    hash: ImageHash


class Read(msgspec.Struct, frozen=True):
    """A read of the account, or of its images where `edge` is `adimages`."""

    query: Mapping[str, str]
    edge: str = "adimages"


class Wait(msgspec.Struct, frozen=True):
    """A pause of some seconds; its reply is empty."""

    seconds: float


Request: TypeAlias = Upload | UploadBytes | Copy | Delete | Read | Wait


def points(request: Request) -> int:
    """Return the most points that a request may cost: each image of an upload may count."""
    match request:
        case Upload():
            return WRITE_POINTS * request.images
        case UploadBytes() | Copy() | Delete():
            return WRITE_POINTS
        case Read():
            return READ_POINTS
        case Wait():
            return 0


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """The response to a request: its JSON object, or its error."""

    body: Mapping[str, Any] = msgspec.field(default_factory=dict)
    error: ApiError | None = None
    usage: BudgetUsage = BudgetUsage()

    @property
    def entries(self) -> dict[str, Mapping[str, Any]]:
        """The entries with a hash in the response to an upload or copy, by their keys."""
        images = self.body.get("images")
        if not isinstance(images, dict):
            return {}
        return {key: one for key, one in images.items() if _hash(one) is not None}

    @property
    def hashes(self) -> list[ImageHash]:
        """The hashes of the entries."""
        return [found for one in self.entries.values() if (found := _hash(one)) is not None]

    @property
    def nodes(self) -> list[Mapping[str, Any]]:
        """The images of a list, whose `data` is a list or a map."""
        data = self.body.get("data")
        values = data.values() if isinstance(data, dict) else data
        return [one for one in values or () if isinstance(one, dict)]

    @property
    def after(self) -> str | None:
        """The cursor of the next page; None at the end of the list."""
        paging = self.body.get("paging")
        if not isinstance(paging, dict) or not paging.get("next"):
            return None
        cursors = paging.get("cursors")
        after = cursors.get("after") if isinstance(cursors, dict) else None
        return after if isinstance(after, str) else None


def _hash(entry: object) -> ImageHash | None:
    return image_hash(entry.get("hash")) if isinstance(entry, dict) else None


class State(StrEnum):
    """How a finding relates to what syncd relies on."""

    OK = "as described"
    DIFFERS = "differs"
    SETTLED = "settled"
    """The pages leave it open, and the API has shown it."""
    OPEN = "open"
    """It was not tried, or the API did not show it."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one check."""

    name: str
    state: State
    text: str
    switches: tuple[str, ...] = ()
    """The settings of the sandbox that behave in this way."""


Steps: TypeAlias = Generator[Request, Reply, list[Finding]]
"""A check: it yields requests, receives their replies, and returns its findings."""


def settled(name: str, text: str, *switches: str) -> Finding:
    """Return a finding about what the pages leave open."""
    return Finding(name=name, state=State.SETTLED, text=text, switches=switches)


def unsettled(name: str, why: str) -> Finding:
    """Return a finding that the API did not show something, and why."""
    return Finding(name=name, state=State.OPEN, text=why)


def compared(name: str, text: str, *, ok: bool) -> Finding:
    """Return a finding about what the pages describe."""
    return Finding(name=name, state=State.OK if ok else State.DIFFERS, text=text)
