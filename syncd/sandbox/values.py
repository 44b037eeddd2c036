"""The values of the sandbox: accounts, images, the kinds of call."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NewType, TypeAlias

AccountId = NewType("AccountId", str)
"""The digits of an ad account's id, without `act_`."""

ImageHash = NewType("ImageHash", str)
"""What the account calls an image: 32 hex digits, no digest of the bytes sent."""

CreativeId = NewType("CreativeId", str)

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"


class Kind(enum.StrEnum):
    """What a call is for: counts, faults and budgets go by it."""

    UPLOAD = "upload"
    COPY = "copy"
    LIST = "list"
    DELETE = "delete"
    ACCOUNT = "account"
    ME = "me"
    OTHER = "other"


class Status(enum.StrEnum):
    """An image's status, in Meta's words."""

    ACTIVE = "ACTIVE"
    INTERNAL = "INTERNAL"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class Picture:
    """What was found in an image's bytes. The stored size has a camera's rotation undone."""

    hash: ImageHash
    sha256: str
    size: int
    width: int
    height: int
    original_width: int
    original_height: int


@dataclass(frozen=True, slots=True)
class Image:
    """One image in one account. Times are seconds since the epoch."""

    account: AccountId
    picture: Picture
    name: str
    created_time: float
    updated_time: float
    status: Status = Status.ACTIVE
    gone_at: float | None = None
    """When a deletion that was answered with success becomes true."""

    @property
    def hash(self) -> ImageHash:
        return self.picture.hash

    @property
    def sha256(self) -> str:
        """The hex SHA-256 of the bytes that first brought the image."""
        return self.picture.sha256

    @property
    def size(self) -> int:
        return self.picture.size

    @property
    def width(self) -> int:
        return self.picture.width

    @property
    def height(self) -> int:
        return self.picture.height

    @property
    def id(self) -> str:
        """`{account_id}:{hash}`, as recorded traffic shows it."""
        return f"{self.account}:{self.hash}"


def account_id(text: str) -> AccountId:
    """Take an account's id with or without `act_`."""
    return AccountId(text.removeprefix("act_"))


def graph_time(seconds: float) -> str:
    """Write a time as the Graph API does: 2026-03-24T10:00:00+0000."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S%z")
