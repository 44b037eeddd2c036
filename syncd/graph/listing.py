"""A page of an account's images, and the answer to a deletion, as values; no IO.

Sources: developers.facebook.com, Ad Account Ad Images (v25.0, and 2013's page with `data` as a map
by hash), Paginated Results. The order of images is not promised, and is not relied upon.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from syncd.graph import timestamps
from syncd.graph.json_values import converted, decoded, number, text
from syncd.model import ImageHash, ImageStatus, Listed

FIELDS = "hash,name,status,created_time,creatives,is_associated_creatives_in_adgroups"
"""What a list is asked for, of each image."""


class Listing(msgspec.Struct, frozen=True):
    """What one page says: its images, the next page's cursor, how many there are in all."""

    images: tuple[Listed, ...]
    after: str | None
    total: int | None


class _Page(msgspec.Struct):
    data: list[Any] | dict[str, Any]
    paging: Any = None
    summary: Any = None


class _Image(msgspec.Struct):
    hash: Any = None
    name: Any = None
    status: Any = None
    created_time: Any = None
    creatives: Any = None
    is_associated_creatives_in_adgroups: Any = None


class _Paging(msgspec.Struct):
    next: Any = None
    cursors: Any = None


class _Cursors(msgspec.Struct):
    after: Any = None


class _Summary(msgspec.Struct):
    total_count: Any = None


class _Deleted(msgspec.Struct):
    success: Any = None


def read_listing(body: bytes, asked_after: str | None) -> Listing | None:
    """Return a page of the list that was asked for after a cursor; None when it cannot be read.

    A page whose `next` leads nowhere is unreadable too: taken for the last one, it would hide
    every image behind it. One that leads back to itself is the last.
    """
    page = decoded(body, _Page)
    if page is None:
        return None
    paging = converted(page.paging, _Paging) or _Paging()
    after = _cursor(paging) if paging.next else None
    if paging.next and after is None:
        return None
    summary = converted(page.summary, _Summary) or _Summary()
    total = number(summary.total_count)
    return Listing(
        tuple(_images(page.data)),
        after if after != asked_after else None,
        total if total is not None and total >= 0 else None,
    )


def is_deleted(body: bytes) -> bool | None:
    """Tell whether a deletion is said to have succeeded; None when the answer cannot be read."""
    answer = decoded(body, _Deleted)
    return None if answer is None else _yes(answer.success) is True


def _images(data: list[Any] | dict[str, Any]) -> Iterator[Listed]:
    pairs = data.items() if isinstance(data, dict) else ((None, value) for value in data)
    for key, value in pairs:
        image = converted(value, _Image)
        if image is None:
            continue
        if image_hash := text(image.hash) or key:
            yield Listed(
                ImageHash(image_hash),
                text(image.name),
                _STATUSES.get(text(image.status) or "", ImageStatus.UNKNOWN),
                timestamps.of_field(image.created_time),
                _used(image.creatives, image.is_associated_creatives_in_adgroups),
            )


_STATUSES = {status.value: status for status in ImageStatus}


def _used(*fields: Any) -> bool | None:
    """Tell whether one of the fields says that the image is used.

    A field that nobody understands may mean that it is: then it is not known.
    """
    words = [_yes(field) for field in fields if field is not None]
    if True in words:
        return True
    return None if not words or None in words else False


def _yes(field: Any) -> bool | None:
    """Read a yes or no, a number of users, or a list of them; None when it is none of these."""
    match field:
        case bool() | list():
            return bool(field)
        case {"data": list(users)}:
            return bool(users)
        case "true":
            return True
        case "false":
            return False
    figure = number(field)
    return None if figure is None or figure < 0 else figure > 0


def _cursor(paging: _Paging) -> str | None:
    cursors = converted(paging.cursors, _Cursors) or _Cursors()
    return text(cursors.after) or _after_in(text(paging.next) or "")


def _after_in(url: str) -> str | None:
    try:
        found = parse_qs(urlsplit(url).query).get("after")
    except ValueError:
        return None
    return found[0] if found else None
