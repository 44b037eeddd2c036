"""The API's answers, errors and usage headers as values; no IO.

Sources: developers.facebook.com, Ad Account Ad Images (v25.0), Graph API rate limits and error
handling. What nobody promises (keys, order, number of entries) is not relied upon.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from syncd.graph.json_values import converted as _converted
from syncd.graph.json_values import decoded as _decoded
from syncd.graph.json_values import number as _number
from syncd.graph.json_values import text as _text
from syncd.model import AccountId, Entry, ImageHash
from syncd.rules.errors import ApiError
from syncd.rules.pacing.budget import Tier
from syncd.rules.pacing.usage import Reading

NOTHING_SAID = Reading()


class Usage(msgspec.Struct, frozen=True):
    """How much of an account's budget is used, as the headers of an answer or error say."""

    reading: Reading = NOTHING_SAID
    """Percents of each budget; 100 is the limit, and can be passed."""
    regain: float | None = None
    """Seconds until calls are taken again, where they are not."""

    @property
    def percent(self) -> float:
        """The worst figure that speaks of the account."""
        reading = self.reading
        return max(reading.calls or 0.0, reading.work or 0.0, reading.points or 0.0)


class _Image(msgspec.Struct):
    hash: str
    name: Any = None
    width: Any = None
    height: Any = None
    url: Any = None
    url_128: Any = None
    url_256: Any = None


class _Images(msgspec.Struct):
    images: dict[str, Any] = {}


class _Error(msgspec.Struct):
    message: Any = None
    code: Any = None
    error_subcode: Any = None
    is_transient: Any = None
    error_user_msg: Any = None


class _ErrorBody(msgspec.Struct):
    error: _Error


class _Business(msgspec.Struct):
    call_count: Any = 0
    total_cputime: Any = 0
    total_time: Any = 0
    estimated_time_to_regain_access: Any = 0  # minutes
    ads_api_access_tier: Any = None


class _AdAccount(msgspec.Struct):
    acc_id_util_pct: Any = 0
    reset_time_duration: Any = 0  # seconds
    ads_api_access_tier: Any = None


class _App(msgspec.Struct):
    call_count: Any = 0
    total_cputime: Any = 0
    total_time: Any = 0


class Node(msgspec.Struct):
    """An object's own fields, as far as anything here asks for them."""

    id: str | None = None
    name: str | None = None
    account_status: int | None = None


def read_images(body: bytes) -> dict[str, Entry] | None:
    """Return the entries of an upload's answer by their keys; None when it is no such answer.

    An entry without a hash is left out: that image was not taken.
    """
    answer = _decoded(body, _Images)
    if answer is None:
        return None
    entries = {}
    for key, value in answer.images.items():
        image = _converted(value, _Image)
        if image is None or not image.hash:
            continue
        entries[key] = Entry(
            ImageHash(image.hash),
            _text(image.name),
            _number(image.width),
            _number(image.height),
            _text(image.url),
            _text(image.url_128),
            _text(image.url_256),
        )
    return entries


def read_node(body: bytes) -> Node | None:
    """Return an object's fields; None when the body is no object."""
    return _decoded(body, Node)


def read_fault(status: int, body: bytes) -> ApiError:
    """Return what came back instead of an answer, whatever its status and form."""
    answer = _decoded(body, _ErrorBody)
    if answer is None:
        return ApiError(status, message=_first_line(body))
    error = answer.error
    message = _text(error.error_user_msg) or _text(error.message) or ""
    transient = error.is_transient in (True, "true", "1")
    return ApiError(status, _number(error.code), _number(error.error_subcode), transient, message)


def is_error(body: bytes) -> bool:
    """Tell whether a body is an error of the API; some come with status 200."""
    return _decoded(body, _ErrorBody) is not None


def read_usage(account: AccountId, headers: Mapping[str, str]) -> Usage:
    """Return what an answer's headers say of one account; nothing that they say is an error."""
    calls, work, points, reset, regain = list[float](), list[float](), None, None, 0.0
    tiers: list[Any] = []
    business = _decoded(headers.get("X-Business-Use-Case-Usage", ""), dict[str, Any]) or {}
    for listed in _converted(business.get(account), list[Any]) or ():
        if (use := _converted(listed, _Business)) is not None:
            calls.append(_figure(use.call_count))
            work += map(_figure, (use.total_cputime, use.total_time))
            regain = max(regain, _figure(use.estimated_time_to_regain_access) * 60.0)
            tiers.append(use.ads_api_access_tier)
    own = _decoded(headers.get("X-Ad-Account-Usage", ""), _AdAccount)
    if own is not None:
        points, reset = _figure(own.acc_id_util_pct), _figure(own.reset_time_duration)
        if points >= 100:
            regain = max(regain, reset)
        tiers.append(own.ads_api_access_tier)
    app = _decoded(headers.get("X-App-Usage", ""), _App)
    if app is not None:
        work += map(_figure, (app.call_count, app.total_cputime, app.total_time))
    told = [_TIERS[tier] for tier in tiers if isinstance(tier, str) and tier in _TIERS]
    reading = Reading(
        max(calls, default=None),
        max(work, default=None),
        points,
        reset,
        regain or None,
        told[0] if told else None,
    )
    return Usage(reading, regain or None)


_TIERS = {"development_access": Tier.DEVELOPMENT, "standard_access": Tier.STANDARD}
_MOST = 1e6  # percent, minutes or seconds: whoever says more says nothing


def _figure(value: Any) -> float:
    """Return a figure that came as a number or a text; 0 for what is none."""
    figure = _converted(value, float)
    return figure if figure is not None and 0 <= figure <= _MOST else 0.0


def _first_line(body: bytes) -> str:
    text = " ".join(body[:400].decode("utf-8", "replace").split())
    return text[:120] + ("…" if len(text) > 120 else "")
