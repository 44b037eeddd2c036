"""The values of the sandbox: accounts, images and kinds of call."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NewType, TypeAlias

AccountId = NewType("AccountId", str)
"""The digits of an ad account's id, without `act_`."""

ImageHash = NewType("ImageHash", str)
"""The name of an image in its account: 32 hex digits, not a digest of the bytes sent."""

CreativeId = NewType("CreativeId", str)

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"


class Kind(enum.StrEnum):
    """The kind of a call, which counts, faults and budgets distinguish."""

    UPLOAD = "upload"
    COPY = "copy"
    LIST = "list"
    DELETE = "delete"
    ACCOUNT = "account"
    ME = "me"
    OTHER = "other"


class Status(enum.StrEnum):
    """An image's status, in Meta's terms."""

    ACTIVE = "ACTIVE"
    INTERNAL = "INTERNAL"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The properties of an image's bytes; width and height are after the rotation in its EXIF."""

    hash: ImageHash
    sha256: str
    size: int
    width: int
    height: int
    original_width: int
    original_height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image in one account. Times are seconds since the epoch."""

    account: AccountId
    picture: Picture
    name: str
    created_time: float
    updated_time: float
    status: Status = Status.ACTIVE
    gone_at: float | None = None
    """When a deletion takes effect that was reported as successful."""

    @property
    def hash(self) -> ImageHash:
        return self.picture.hash

    @property
    def sha256(self) -> str:
        """The hex SHA-256 of the bytes that were uploaded first."""
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
        """`{account_id}:{hash}`, as in recorded traffic."""
        return f"{self.account}:{self.hash}"


DEFAULT_ACCOUNTS: Final = ("act_1234567890", "act_2345678901")
"""The accounts of examples, which are listed for a token unless others are given."""


def account_id(text: str) -> AccountId:
    """Return the id of an account given with or without `act_`."""
    return AccountId(text.removeprefix("act_"))


def graph_time(seconds: float) -> str:
    """Return a time as the Graph API writes it: 2026-03-24T10:00:00+0000."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S%z")
