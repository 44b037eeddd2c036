"""The API's answers, errors and usage headers as values; no IO.

Sources: developers.facebook.com, Ad Account Ad Images (v25.0), Graph API rate limits and error
handling. What nobody promises (keys, order, number of entries) is not relied upon.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from syncd.model import AccountId, Entry, ImageHash
from syncd.rules.verdicts import Fault

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of an account's budget is used, as the headers of an answer or error say."""

    percent: float = 0.0
    """The worst figure that speaks of the account; 100 is the limit, and can be passed."""
    regain: float | None = None
    """Seconds until calls are taken again, where they are not."""


class _Image(msgspec.Struct):
    hash: str
    name: str | None = None
    width: int | str | None = None
    height: int | str | None = None
    url: str | None = None
    url_128: str | None = None
    url_256: str | None = None


class _Images(msgspec.Struct):
    images: dict[str, Any] = {}


class _Error(msgspec.Struct):
    message: str = ""
    code: int | None = None
    error_subcode: int | None = None
    is_transient: bool = False
    error_user_msg: str | None = None


class _ErrorBody(msgspec.Struct):
    error: _Error


class _Business(msgspec.Struct):
    call_count: float = 0
    total_cputime: float = 0
    total_time: float = 0
    estimated_time_to_regain_access: float = 0  # minutes


class _AdAccount(msgspec.Struct):
    acc_id_util_pct: float = 0
    reset_time_duration: float = 0  # seconds


class _App(msgspec.Struct):
    call_count: float = 0
    total_cputime: float = 0
    total_time: float = 0


class Node(msgspec.Struct):
    """An object's own fields, as far as anything here asks for them."""

    id: str | None = None
    name: str | None = None
    account_status: int | None = None


def read_images(body: bytes) -> dict[str, Entry] | None:
    """Return the entries of an upload's answer by their keys; None when it is no such answer.

    An entry without a hash is left out: that image was not taken.
    """
    try:
        images = msgspec.json.decode(body, type=_Images).images
    except msgspec.DecodeError:
        return None
    entries = {}
    for key, value in images.items():
        try:
            image = msgspec.convert(value, _Image)
        except msgspec.ValidationError:
            continue
        entries[key] = Entry(
            ImageHash(image.hash),
            image.name,
            _pixels(image.width),
            _pixels(image.height),
            image.url,
            image.url_128,
            image.url_256,
        )
    return entries


def read_node(body: bytes) -> Node | None:
    """Return an object's fields; None when the body is no object."""
    try:
        return msgspec.json.decode(body, type=Node)
    except msgspec.DecodeError:
        return None


def read_fault(status: int, body: bytes) -> Fault:
    """Return what came back instead of an answer, whatever its status and form."""
    try:
        error = msgspec.json.decode(body, type=_ErrorBody, strict=False).error
    except msgspec.DecodeError:
        return Fault(status, message=_first_line(body))
    message = error.error_user_msg or error.message
    return Fault(status, error.code, error.error_subcode, error.is_transient, message)


def is_error(body: bytes) -> bool:
    """Tell whether a body is an error of the API; some come with status 200."""
    try:
        msgspec.json.decode(body, type=_ErrorBody, strict=False)
    except msgspec.DecodeError:
        return False
    return True


def read_usage(account: AccountId, headers: Mapping[str, str]) -> Usage:
    """Return what an answer's headers say of one account; nothing that they say is an error."""
    figures, regain = [0.0], 0.0
    business = _decoded(headers.get("X-Business-Use-Case-Usage"), dict[str, list[_Business]])
    for use in (business or {}).get(account, ()):
        figures += [use.call_count, use.total_cputime, use.total_time]
        regain = max(regain, use.estimated_time_to_regain_access * 60.0)
    own = _decoded(headers.get("X-Ad-Account-Usage"), _AdAccount)
    if own is not None:
        figures.append(own.acc_id_util_pct)
        if own.acc_id_util_pct >= 100:
            regain = max(regain, own.reset_time_duration)
    app = _decoded(headers.get("X-App-Usage"), _App)
    if app is not None:
        figures += [app.call_count, app.total_cputime, app.total_time]
    return Usage(max(figures), regain or None)


def _decoded(text: str | None, shape: type[T]) -> T | None:
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=shape, strict=False)
    except msgspec.DecodeError:
        return None


def _pixels(value: int | str | None) -> int | None:
    return int(value) if value is not None and str(value).isdigit() else None


def _first_line(body: bytes) -> str:
    text = " ".join(body[:400].decode("utf-8", "replace").split())
    return text[:120] + ("…" if len(text) > 120 else "")
