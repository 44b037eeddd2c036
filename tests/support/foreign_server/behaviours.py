"""The behaviours of the foreign server: every form that responses and connections can have."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from support.foreign_server.uploads import Post

Entry = dict[str, Any]
"""The value of one image in a response."""

Key = Callable[[int, str, str], str]
"""Maps (index in the POST, file name of the part, hash) to the entry's key in `images`."""


class Break(Enum):
    """A failure of the connection in place of a response."""

    BEFORE_BODY = "reset after the head was read"
    MID_BODY = "reset in the middle of the request's body"
    BEFORE_WORK = "reset after the request was read"
    AFTER_WORK = "reset after the images were stored"
    SILENCE = "no response"
    MID_RESPONSE = "closed in the middle of the response"


@dataclass(frozen=True)
class Reply:
    """A response in place of the usual one."""

    status: int
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = ()
    content_type: str = "application/json; charset=UTF-8"
    after_work: bool = False
    """Whether the work of the call is done first."""


Reaction = Reply | Break | None


def error(
    status: int,
    code: object = None,
    subcode: object = None,
    *,
    headers: Sequence[tuple[str, str]] = (),
    after_work: bool = False,
    **more: object,
) -> Reply:
    """Return an error as on the reference pages; codes can be numbers, strings or missing."""
    body: dict[str, object] = {"message": "(foreign) no", "type": "OAuthException", **more}
    if code is not None:
        body["code"] = code
    if subcode is not None:
        body["error_subcode"] = subcode
    body["fbtrace_id"] = "Aforeign"
    return Reply(status, json.dumps({"error": body}).encode(), headers, after_work=after_work)


def usage(of: Mapping[str, Sequence[Mapping[str, object]]]) -> tuple[str, str]:
    """Return the header of business use cases, by account."""
    return ("X-Business-Use-Case-Usage", json.dumps(of))


def throttle(code: int, subcode: int | None, *headers: tuple[str, str]) -> Reply:
    """Return a throttle: HTTP 400, and not marked as transient."""
    return error(400, code, subcode, headers=headers)


def full(account: str, name: str, image_hash: str, size: tuple[int, int]) -> Entry:
    """Return an entry with all documented fields; two of the numbers are strings."""
    url = f"https://scontent.example/{account}/{image_hash}"
    return {
        "hash": image_hash,
        "url": url,
        "url_128": url + "_128",
        "url_256": url + "_256",
        "url_256_height": "256",
        "url_256_width": "192",
        "height": size[1],
        "width": size[0],
        "name": name,
    }


def bad_entry(_name: str) -> Entry:
    """Return the entry of a rejected image, with its error."""
    return {"error": {"message": "(foreign) no", "code": 100, "error_subcode": 1487411}}


BAD = error(400, 100, 1487411)
"""The error for a file that is not an accepted image."""


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """Everything that can differ; the defaults are the most literal reading of the pages."""

    # responses to uploads
    key: Key = lambda _index, name, _hash: name
    entry: Callable[[Entry], Entry] = lambda entry: entry
    shuffled: bool = False
    left_out: Callable[[int, int], bool] = lambda _index, _count: False
    """From (index, number of images): whether an image is stored but left out of the response."""
    extra: Mapping[str, object] = field(default_factory=dict)
    """More keys next to `images`."""
    wrap_images: Callable[[Mapping[str, Entry | None]], object] = lambda images: images
    """Maps the entries to the value of `images`."""

    # which images are accepted
    rejects: Callable[[Post], Reaction] = lambda _post: None
    is_bad: Callable[[bytes], bool] = lambda _content: False
    bad_fails_all: Reaction = BAD
    """The response to a POST with a bad image; None: the other images are accepted."""
    bad_entry: Callable[[str], Entry | None] | None = None
    """The entry of a bad image, by name; None: it has no entry."""
    transcoded: Callable[[bytes], bytes] = lambda content: content
    """Maps an image to its transcoded form; images with the same form share a hash."""
    max_body: int | None = None
    """In bytes; a larger body gets status 413 before it is read."""
    resets_after_413: bool = False
    """The rest of the body is not read, which resets the connection."""

    # copies, lists and deletions
    copied_as: Callable[[str], str] = lambda image_hash: image_hash
    """Maps the hash in the source account to the hash of the copy."""
    listed: Callable[[Entry], object] = lambda image: image
    """Maps an image with the requested fields to its value in a list."""
    listing: Callable[[Entry], object] = lambda answer: answer
    """Maps the response of a page: `data`, `paging`, and `summary` if requested."""
    by_offset: bool = False
    """Pages are requested by `offset`, as in 2013, and have no cursors."""
    page: Callable[[int], int] = lambda limit: limit
    """Maps the requested limit to the number of images that a page covers."""
    hidden: Callable[[str], bool] = lambda _hash: False
    """From a hash: whether a page covers the image but does not show it."""
    rejects_deletion: Callable[[str], Reply | None] = lambda _hash: None
    deleted: object = field(default_factory=lambda: {"success": True})
    """The response to a deletion."""
    deleted_status: str | None = None
    """The status with which deleted images are listed; None: they are not listed."""

    # headers
    headers: Callable[[str], Sequence[tuple[str, str]]] = lambda _account: ()
    """On every response for an account."""

    # the wire
    http_1_0: bool = False
    chunked: bool = False
    byte_by_byte: bool = False
    compressed: bool = False
    bom: bool = False
    """Each body begins with the byte order mark of UTF-8."""
    lower_case: bool = False
    interim: Sequence[bytes] = ()
    """Sent before the response, without a request for it."""
    closes_silently: bool = False
    """The connection is closed after each response, without `Connection: close`."""
    closes_on_reuse: bool = False
    """The connection is closed when it has received a second request."""
