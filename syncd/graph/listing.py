"""Lists of an account's images, and the results of deletions, as values; no IO.

Sources: developers.facebook.com, Ad Account Ad Images (v25.0, and the page of 2013 with `data` as a
map by hash), Paginated Results. Nothing relies on the order of images, which is not promised.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from syncd.graph import timestamps
from syncd.graph.json_values import converted, decoded, image_hash, name, number, text
from syncd.model import ImageStatus, Listed

FIELDS = "hash,name,status,created_time,creatives,is_associated_creatives_in_adgroups"
"""The fields requested for each image of a list."""

PIXELS = "original_width,original_height"
"""The fields requested in addition where images are compared with ours."""


class Listing(msgspec.Struct, frozen=True):
    """One page: its images, the cursor of the next page, and the number of all images."""

    images: tuple[Listed, ...]
    after: str | None
    """For `position`: a cursor, or an offset in the form of 2013."""
    total: int | None
    is_whole: bool = True
    """Whether each of its entries is an image with a hash."""


class _Page(msgspec.Struct):
    data: list[Any] | dict[str, Any]
    paging: Any = None
    summary: Any = None
    offset: Any = None


class _Image(msgspec.Struct, kw_only=True):
    hash: Any = None
    name: Any = None
    status: Any = None
    created_time: Any = None
    creatives: Any = None
    is_associated_creatives_in_adgroups: Any = None
    original_width: Any = None
    original_height: Any = None


class _Paging(msgspec.Struct):
    next: Any = None
    cursors: Any = None


class _Cursors(msgspec.Struct):
    after: Any = None


class _Summary(msgspec.Struct):
    total_count: Any = None


class _Deleted(msgspec.Struct):
    success: Any = None


_OFFSET = "offset="  # a cursor of the API is Base64, where "=" occurs only at the end


def position(after: str | None) -> dict[str, str]:
    """Return the parameter that requests the page after one; empty for the first page."""
    if after is None:
        return {}
    at = after.removeprefix(_OFFSET)
    return {"after": after} if at == after else {"offset": at}


class RawPage(msgspec.Struct, frozen=True):
    """A page with its entries as they came, each with its key if `data` is a map by hash."""

    entries: tuple[tuple[str | None, Any], ...]
    after: str | None
    total: int | None


def read_page(body: bytes, requested_after: str | None) -> RawPage | None:
    """Return the page of a list that was requested after a cursor; None when it cannot be read.

    A page with a `next` but without its cursor cannot be read either: taken for the last page, it
    would hide all images that follow. A page whose next cursor is its own is the last one. In the
    form of 2013, a page at another offset than the requested one cannot be read, and the list ends
    with an empty page: whether `count` is of this page or of all images is not documented.
    """
    page = decoded(body, _Page)
    if page is None:
        return None
    paging = converted(page.paging, _Paging) or _Paging()
    at, requested = number(page.offset), position(requested_after)
    if paging.next:
        after = _cursor(paging)
        if after is None:
            return None
    elif at is None or paging.cursors is not None or "after" in requested:
        after = None
    elif str(at) != requested.get("offset", "0"):
        return None
    else:
        after = f"{_OFFSET}{at + len(page.data)}" if page.data else None
    summary = converted(page.summary, _Summary) or _Summary()
    total = number(summary.total_count)
    data = page.data
    return RawPage(
        tuple(data.items() if isinstance(data, dict) else ((None, value) for value in data)),
        after if after != requested_after else None,
        total if total is not None and total >= 0 else None,
    )


def read_listing(body: bytes, requested_after: str | None) -> Listing | None:
    """Return the page of a list as `read_page` does, with its images."""
    page = read_page(body, requested_after)
    if page is None:
        return None
    images = tuple(_images(page.entries))
    return Listing(
        images=images,
        after=page.after,
        total=page.total,
        is_whole=len(images) == len(page.entries),
    )


def is_deleted(body: bytes) -> bool:
    """Return whether a deletion reports success."""
    response = decoded(body, _Deleted)
    return response is not None and _flag(response.success) is True


def _images(entries: Sequence[tuple[str | None, Any]]) -> Iterator[Listed]:
    for key, value in entries:
        image = converted(value, _Image)
        if image is None:
            continue
        if hash_ := image_hash(image.hash) or image_hash(key):
            yield Listed(
                hash=hash_,
                name=name(image.name),
                status=_STATUSES.get(text(image.status) or "", ImageStatus.UNKNOWN),
                created_at=timestamps.of_field(image.created_time),
                used=_used(image.creatives, image.is_associated_creatives_in_adgroups),
                pixels=_pixels(image.original_width, image.original_height),
            )


_STATUSES = {status.value: status for status in ImageStatus}


def _pixels(width: Any, height: Any) -> tuple[int, int] | None:
    columns, rows = number(width), number(height)
    return None if columns is None or rows is None else (columns, rows)


def _used(*fields: Any) -> bool | None:
    """Return whether any of these fields reports that the image is used.

    None when that is unknown: a field of an unknown form could report a use.
    """
    flags = [_flag(field) for field in fields if field is not None]
    if True in flags:
        return True
    return None if not flags or None in flags else False


def _flag(field: Any) -> bool | None:
    """Return a boolean, a number of users or a list of them as a boolean; None for other forms."""
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
        cursors = parse_qs(urlsplit(url).query).get("after")
    except ValueError:
        return None
    return cursors[0] if cursors else None
