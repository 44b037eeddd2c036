"""How this server differs from the one that a client's author had in mind."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from support.foreign_server.uploads import Post

Entry = dict[str, Any]
"""What is answered for one image."""

Key = Callable[[int, str, str], str]
"""From (index in the POST, the part's file name, hash) to the entry's key in `images`."""


class Break(Enum):
    """What happens to the connection instead of an answer."""

    BEFORE_BODY = "reset once the head is read"
    MID_BODY = "reset in the middle of the request's body"
    BEFORE_WORK = "reset once all is read"
    AFTER_WORK = "reset once the images are held"
    SILENCE = "all is read, and nothing is ever said"
    MID_ANSWER = "closed in the middle of the answer"


@dataclass(frozen=True)
class Reply:
    """An answer that is not the usual one."""

    status: int
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = ()
    content_type: str = "application/json; charset=UTF-8"
    after_work: bool = False


Act = Reply | Break | None


def error(
    status: int,
    code: object = None,
    subcode: object = None,
    *,
    headers: Sequence[tuple[str, str]] = (),
    after_work: bool = False,
    **more: object,
) -> Reply:
    """An error body as the pages show it; codes may be numbers or texts, or lack."""
    said: dict[str, object] = {"message": "(stranger) no", "type": "OAuthException", **more}
    if code is not None:
        said["code"] = code
    if subcode is not None:
        said["error_subcode"] = subcode
    said["fbtrace_id"] = "Astranger"
    return Reply(status, json.dumps({"error": said}).encode(), headers, after_work=after_work)


def usage(of: Mapping[str, Sequence[Mapping[str, object]]]) -> tuple[str, str]:
    """The header of business use cases, by account."""
    return ("X-Business-Use-Case-Usage", json.dumps(of))


def throttle(code: int, subcode: int | None, *headers: tuple[str, str]) -> Reply:
    """A throttle is HTTP 400, and not said to be transient."""
    return error(400, code, subcode, headers=headers)


def full(account: str, name: str, image_hash: str, size: tuple[int, int]) -> Entry:
    """All that the pages list; two of the numbers are texts."""
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
    """An entry for an image that was refused, its error inside."""
    return {"error": {"message": "(stranger) no", "code": 100, "error_subcode": 1487411}}


BAD = error(400, 100, 1487411)
"""A file that is no image that the API takes."""


@dataclass(frozen=True, kw_only=True)
class Habits:
    """Everything that can differ; the defaults are what the pages say most plainly."""

    # answers to an upload
    key: Key = lambda _index, name, _hash: name
    entry: Callable[[Entry], Entry] = lambda entry: entry
    shuffled: bool = False
    left_out: Callable[[int, int], bool] = lambda _index, _count: False
    """From (index, how many there are): held, but not answered."""
    beside: Mapping[str, object] = field(default_factory=dict)
    """More keys beside `images`."""
    around: Callable[[Mapping[str, Entry | None]], object] = lambda images: images
    """The value of `images`."""

    # what is taken
    refuses: Callable[[Post], Act] = lambda _post: None
    is_bad: Callable[[bytes], bool] = lambda _content: False
    bad_fails_all: Act = BAD
    """What a POST with a bad image in it is answered; None: the others are taken."""
    bad_entry: Callable[[str], Entry | None] | None = None
    """What stands for a bad image among the others; None: nothing does."""
    seen_as: Callable[[bytes], bytes] = lambda content: content
    """What is left of an image after transcoding: two with the same share a hash."""
    largest: int | None = None
    """Bytes of a body; a larger one is answered 413 before it is read."""
    rude: bool = False
    """After the 413 the rest of the body is not read, which resets the connection."""

    # copies, lists and deletions
    copied_as: Callable[[str], str] = lambda image_hash: image_hash
    """From the hash in the source account to the one that the copy gets."""
    listed: Callable[[Entry], object] = lambda image: image
    """What an image with the asked fields becomes in a list."""
    listing: Callable[[Entry], object] = lambda answer: answer
    """What a whole page becomes: `data`, `paging`, and `summary` where it was asked."""
    page: Callable[[int], int] = lambda limit: limit
    """From the asked limit to how many images a page goes through."""
    hidden: Callable[[str], bool] = lambda _hash: False
    """From a hash: the page goes through the image, and does not show it."""
    refuses_deletion: Callable[[str], Reply | None] = lambda _hash: None
    deleted: object = field(default_factory=lambda: {"success": True})
    """What a deletion is answered."""
    gone_is: str | None = None
    """The status with which a deleted image is listed still; None: it is not listed."""

    # headers
    headers: Callable[[str], Sequence[tuple[str, str]]] = lambda _account: ()
    """On every answer about an account."""

    # the wire
    http_1_0: bool = False
    chunked: bool = False
    dripping: bool = False
    compressed: bool = False
    lower_case: bool = False
    interim: Sequence[bytes] = ()
    """Sent before the answer, unasked."""
    closes: bool = False
    """The connection is closed after each answer, without a word."""
    hangs_up: bool = False
    """A second request on one connection is taken in and never answered: it closes."""
