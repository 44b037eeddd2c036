"""The switches: how the real edge behaves where that is unknown or varies."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import UnionType
from typing import Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from syncd.sandbox.errors import CATALOGUE, names

Tier = Literal["standard", "development", "unlimited"]


def _doc(text: str) -> dict[str, str]:
    return {"doc": text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """The behaviour of a sandbox, by default as the reference pages state or suggest.

    A flat table is data: `name=value` on the command line, and `--switches` lists it.
    """

    # Budgets
    tier: Tier = field(
        default="standard", metadata=_doc("which documented budgets apply; unlimited: none")
    )
    time_scale: float = field(
        default=1.0, metadata=_doc("budget windows and blocks run this many times faster")
    )
    decay: Literal["window", "leak"] = field(
        default="window",
        metadata=_doc("how the score decays: a sliding window, or a leaking bucket"),
    )
    charge: Literal["per_request", "per_image"] = field(
        default="per_request", metadata=_doc("the cost of a POST with several images")
    )
    score_error: Literal["17", "613/1487742"] = field(
        default="17", metadata=_doc("the error when the score budget is exceeded")
    )
    cpu_per_image: float = field(
        default=0.0, metadata=_doc("percent of the hourly CPU budget that one image takes")
    )
    app_calls: int = field(
        default=0, metadata=_doc("calls per hour of the whole app before error 4; 0: no limit")
    )
    regain: Literal["rounded_up", "rounded_down", "zero"] = field(
        default="rounded_up", metadata=_doc("how the time to regain access becomes whole minutes")
    )
    usage_entry: str = field(
        default="",
        metadata=_doc("a further entry of X-Business-Use-Case-Usage for each account, as JSON"),
    )
    ad_account_usage: Literal["absent", "sent"] = field(
        default="absent", metadata=_doc("whether X-Ad-Account-Usage is sent")
    )
    app_usage: Literal["absent", "sent"] = field(
        default="sent", metadata=_doc("whether X-App-Usage is sent")
    )
    # Uploads
    many_files: Literal["accept", "refuse"] | int = field(
        default="accept",
        metadata=_doc("POSTs of several images: accept, refuse, or at most N images"),
    )
    many_files_error: str = field(
        default="100/1487411", metadata=_doc("the error for too many images in a POST")
    )
    one_bad_file: Literal["fails_all", "skips_it", "skips_with_error_entry"] = field(
        default="fails_all", metadata=_doc("the effect of one bad image on its POST")
    )
    files: Literal["accept", "refuse"] = field(
        default="accept", metadata=_doc("refuse: file parts get 100/1487411, only `bytes` works")
    )
    bytes_name: Literal["ignored", "used"] = field(
        default="ignored",
        metadata=_doc('the field `name` next to `bytes`; ignored: the image is named "bytes"'),
    )
    max_bytes: int = field(
        default=256 * 1024 * 1024,
        metadata=_doc("largest body in bytes; a larger one gets 413 without JSON"),
    )
    max_image_bytes: int = field(
        default=30 * 1024 * 1024,
        metadata=_doc("largest image in bytes; a larger one gets 100/2490361"),
    )
    max_zip_images: int = field(
        default=1000, metadata=_doc("most images in a zip; more get 100/2490361")
    )
    same_name: Literal["last_wins", "first_wins", "refused"] = field(
        default="last_wins",
        metadata=_doc("which of two parts with the same file name is in the response"),
    )
    same_bytes_name: Literal["first", "last"] = field(
        default="first", metadata=_doc("the name of an image that was uploaded under two names")
    )
    long_name: Literal["refuse", "cut"] = field(
        default="refuse", metadata=_doc("a name over 100 characters: refuse with 100, or cut it")
    )
    extension: Literal["image", "any"] = field(
        default="image", metadata=_doc("the extension that a file name needs: an image's, or any")
    )
    transcoding: Literal["exact", "same_picture"] = field(
        default="exact",
        metadata=_doc("same_picture: files that differ only in metadata or tail share a hash"),
    )
    upload_key: Literal["name", "hash"] = field(
        default="name",
        metadata=_doc("an image's key in the response to an upload: file name, or hash (2013)"),
    )
    answer_keys: Literal["all", "hash_and_url"] = field(
        default="all",
        metadata=_doc("the fields in the response to an upload: all nine, or two (2017)"),
    )
    # Copies
    copy_key: Literal["hash", "name", "bytes", "copy_from"] = field(
        default="hash", metadata=_doc("an image's key in the response to a copy")
    )
    copy_source: Literal["needs_permission", "open"] = field(
        default="needs_permission", metadata=_doc("whether the token must reach the source account")
    )
    copy_denied_error: str = field(
        default="200", metadata=_doc("the error for a source account without permission")
    )
    copy_missing_error: str = field(
        default="100", metadata=_doc("the error for a source image that does not exist")
    )
    # Deletions
    in_use_error: str = field(
        default="100", metadata=_doc("the error for deleting an image that a creative uses")
    )
    delete_unknown: str = field(
        default="100", metadata=_doc("deleting an unknown hash: an error, or success")
    )
    deletion_lag: float = field(
        default=0.0, metadata=_doc("seconds for which a deleted image remains ACTIVE; inf: forever")
    )
    deleted_images: Literal["missing", "by_hash", "listed"] = field(
        default="missing",
        metadata=_doc("which lists contain DELETED images: none, those by hash, or all"),
    )
    upload_of_deleted: Literal["revives", "revives_as_created", "stays_deleted", "refused"] = field(
        default="revives",
        metadata=_doc(
            "the effect of uploading a deleted image again; as_created: it keeps its age"
        ),
    )
    # Lists
    list_shape: Literal["list", "map"] = field(
        default="list", metadata=_doc("`data` of a list: a list, or a map by hash (2013)")
    )
    page_fill: Literal["full", "short"] = field(
        default="full",
        metadata=_doc("short: pages hold half of the requested limit, and a next link"),
    )
    largest_page: int = field(
        default=5000, metadata=_doc("largest page; a larger limit is reduced without an error")
    )
    page_too_large: int = field(
        default=5000,
        metadata=_doc("a list with a larger limit gets error 1: reduce the amount of data"),
    )
    list_end: Literal["ends", "never"] = field(
        default="ends",
        metadata=_doc("never: the first page follows the last one, with new cursors"),
    )
    url_lifetime: float = field(
        default=86400.0, metadata=_doc("seconds after which `url` and `url_128` expire")
    )
    # Tokens
    token_lifetime: float = field(
        default=0.0, metadata=_doc("seconds from the start until a token expires; 0: never")
    )
    token_scopes: str = field(
        default="ads_management,ads_read,business_management",
        metadata=_doc("the permissions of a token, separated by commas"),
    )
    inspection: Literal["itself", "app_only"] = field(
        default="itself",
        metadata=_doc("whether a token can inspect itself, or only the app's token can inspect it"),
    )
    # The rest
    oldest_version: str = field(
        default="", metadata=_doc("error 2635 for versions older than this one, such as v23.0")
    )


class SwitchError(ValueError):
    """An unknown switch, or a value that it does not take."""


def documented() -> list[tuple[str, str, str, str]]:
    """Return name, default, values and description of each switch."""
    return [
        (f.name, str(f.default), takes(f.name), f.metadata["doc"])
        for f in dataclasses.fields(Switches)
    ]


def takes(name: str) -> str:
    """Return which values a switch takes."""
    hint = get_type_hints(Switches)[name]
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    values = [value for kind in kinds for value in get_args(kind) or (_KINDS[kind],)]
    return ", ".join(values)


_KINDS = {int: "a whole number", float: "a number", str: "text"}


def switched(switches: Switches, texts: Iterable[str]) -> Switches:
    """Return the switches with each `name=value` text applied."""
    known = [f.name for f in dataclasses.fields(Switches)]
    for text in texts:
        name, equals, value = text.partition("=")
        if name not in known or not equals:
            raise SwitchError(f"{text}: write NAME=VALUE with one of {', '.join(known)}")
        values = dataclasses.asdict(switches) | {name: value}
        try:
            switches = msgspec.convert(values, Switches, strict=False)
        except msgspec.ValidationError:
            raise SwitchError(f"{text}: takes {takes(name)}") from None
        _check(text, switches)
    return switches


def _check(text: str, switches: Switches) -> None:
    errors = (
        switches.many_files_error,
        switches.copy_denied_error,
        switches.copy_missing_error,
        switches.in_use_error,
    )
    is_known = switches.delete_unknown in (*CATALOGUE, "success")
    if not is_known or not all(name in CATALOGUE for name in errors):
        raise SwitchError(f"{text}: takes {', '.join(names())}")
    if switches.usage_entry:
        try:
            msgspec.json.decode(switches.usage_entry, type=dict[str, object])
        except msgspec.DecodeError:
            raise SwitchError(f"{text}: takes a JSON object") from None
    if switches.time_scale <= 0:
        raise SwitchError(f"{text}: takes a number above 0")
