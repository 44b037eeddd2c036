"""The API's responses, errors and usage headers as values; no IO.

Sources: developers.facebook.com, Ad Account Ad Images (v25.0), Graph API rate limits and error
handling. Nothing relies on what the pages do not promise: keys, order and number of entries.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from syncd.graph.json_values import bounded, converted, decoded, image_hash, message, name, number
from syncd.model import AccountId, Entry
from syncd.rules.errors import ApiError
from syncd.rules.pacing.budget import Tier
from syncd.rules.pacing.usage import BudgetUsage

_NO_USAGE = BudgetUsage()

_ADS_MANAGEMENT = "ads_management"
"""The business use case that limits the calls for images."""

_OTHER_TYPES = frozenset(
    ("ads_insights", "custom_audience", "instagram", "leadgen", "messenger", "pages")
)
"""The other documented use cases: their limits are not about images."""

_UNKNOWN_TYPE_REGAIN = 300.0
"""Seconds for which an exhausted use case of an unknown type closes an account: one window."""

_LIMIT = 100.0
"""Percent from which a limit is exhausted."""

_MAX_REGAIN = 86400.0
"""Seconds; a reported time that is longer is taken as this."""


class Usage(msgspec.Struct, frozen=True):
    """How much of an account's budget is used, as reported by response headers."""

    reading: BudgetUsage = _NO_USAGE
    """Percent of each budget; 100 is the limit, and can be exceeded."""
    regain: float | None = None
    """Seconds until the account accepts calls again, a day at most; None if not reported."""
    closed_by: str | None = None
    """The limit that is exhausted, for the operator; None while the account accepts calls."""

    @property
    def percent(self) -> float:
        """The highest percentage of any budget of the account."""
        reading = self.reading
        return max(reading.calls or 0.0, reading.cpu_time or 0.0, reading.points or 0.0)


class _Image(msgspec.Struct):
    hash: Any = None
    name: Any = None
    width: Any = None
    height: Any = None


class _Images(msgspec.Struct):
    images: dict[str, Any]


class _Error(msgspec.Struct, kw_only=True):
    message: Any = None
    code: Any = None
    error_subcode: Any = None
    is_transient: Any = None
    error_user_title: Any = None
    error_user_msg: Any = None
    fbtrace_id: Any = None


class _ErrorBody(msgspec.Struct):
    error: _Error


class _OldError(msgspec.Struct):
    """The form of an error before the Graph API; some responses with status 200 have it."""

    error_code: Any
    error_msg: Any = None


class _Business(msgspec.Struct, kw_only=True):
    type: Any = _ADS_MANAGEMENT  # without a type, an entry counts as this edge's
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
    """The fields of an object that syncd requests."""

    id: str
    name: str | None = None
    account_status: int | None = None


def read_images(body: bytes) -> dict[str, Entry] | None:
    """Return the entries of an upload's response by their keys; None when it has no `images`.

    An entry without a hash is left out: that image was not taken.
    """
    response = decoded(body, _Images)
    if response is None:
        return None
    entries = {}
    for key, value in response.images.items():
        image = converted(value, _Image) or _Image()
        if (hash_ := image_hash(image.hash)) is None:
            continue
        entries[key] = Entry(
            hash=hash_,
            name=name(image.name),
            width=number(image.width),
            height=number(image.height),
        )
    return entries


def read_node(body: bytes) -> Node | None:
    """Return an object's fields; None when the body is not a JSON object with an id."""
    node = decoded(body, Node)
    return None if node is None else replace(node, id=bounded(node.id), name=name(node.name))


def read_error(status: int, body: bytes, location: str = "") -> ApiError:
    """Return the error that a response reports, whatever its status and form.

    `location` is the header of a redirect, or empty.
    """
    error = _error(body)
    if error is None:
        if location and 300 <= status < 400:
            return ApiError(status=status, message=bounded(f"redirected to {_host(location)}"))
        return ApiError(status=status, message=_first_line(body))
    return ApiError(
        status=status,
        code=number(error.code),
        subcode=number(error.error_subcode),
        transient=error.is_transient in (True, "true", "1"),
        message=message(error.error_user_msg) or message(error.message) or "",
        title=message(error.error_user_title),
        user_message=message(error.error_user_msg),
        trace_id=message(error.fbtrace_id),
    )


def is_error(body: bytes) -> bool:
    """Return whether a body is an error of the API; some have status 200."""
    return _error(body) is not None


def _error(body: bytes) -> _Error | None:
    if (response := decoded(body, _ErrorBody)) is not None:
        return response.error
    old = decoded(body, _OldError)
    if old is None or not number(old.error_code):
        return None
    return _Error(code=old.error_code, message=old.error_msg)


def read_invalid(body: bytes, lacks: str) -> ApiError:
    """Return the error for a response with status 200 that `lacks` its main field."""
    is_json = decoded(body, dict[str, Any]) is not None
    message = f"the response has no {lacks}" if is_json else "the response is truncated or not JSON"
    return ApiError(status=200, message=message)


def read_usage(account: AccountId, headers: Mapping[str, str]) -> Usage:
    """Return what response headers report about one account; unreadable figures are ignored."""
    calls, work, points = list[float](), list[float](), None
    tiers: list[Any] = []
    closed: list[tuple[float, str]] = []  # seconds, and by which limit
    business = decoded(headers.get("X-Business-Use-Case-Usage", ""), dict[str, Any]) or {}
    for listed in converted(business.get(account), list[Any]) or ():
        use = converted(listed, _Business)
        if use is None or (isinstance(use.type, str) and use.type in _OTHER_TYPES):
            continue
        used = [_figure(use.call_count), _figure(use.total_cputime), _figure(use.total_time)]
        if use.type == _ADS_MANAGEMENT:
            calls.append(used[0])
            work += used[1:]
            regain = _figure(use.estimated_time_to_regain_access) * 60.0
            tiers.append(use.ads_api_access_tier)
        else:
            regain = _UNKNOWN_TYPE_REGAIN if max(used) >= _LIMIT else 0.0
        if regain or max(used) >= _LIMIT:
            kind = _ADS_MANAGEMENT if use.type == _ADS_MANAGEMENT else "an unknown use case"
            figure = f" at {max(used):g} %" if max(used) >= _LIMIT else " exhausted"
            closed.append((regain, f"{kind}{figure} (X-Business-Use-Case-Usage)"))
    own = decoded(headers.get("X-Ad-Account-Usage", ""), _AdAccount)
    if own is not None:
        points = _figure(own.acc_id_util_pct)
        if points >= _LIMIT:
            reset = _figure(own.reset_time_duration)
            closed.append((reset, f"the account's score at {points:g} % (X-Ad-Account-Usage)"))
        tiers.append(own.ads_api_access_tier)
    app = decoded(headers.get("X-App-Usage", ""), _App)
    if app is not None:
        work += map(_figure, (app.call_count, app.total_cputime, app.total_time))
    known = [_TIERS[tier] for tier in tiers if isinstance(tier, str) and tier in _TIERS]
    reading = BudgetUsage(
        calls=max(calls, default=None),
        cpu_time=max(work, default=None),
        points=points,
        tier=known[0] if known else None,
    )
    regain, closed_by = max(closed, default=(0.0, None))
    return Usage(reading, min(regain, _MAX_REGAIN) or None, closed_by)


_TIERS = {"development_access": Tier.DEVELOPMENT, "standard_access": Tier.STANDARD}
_MAX_FIGURE = 1e6  # percent, minutes or seconds; a larger figure is not credible


def _figure(value: Any) -> float:
    """Return the figure in a JSON number or string; 0 for any other value."""
    figure = converted(value, float)
    return figure if figure is not None and 0 <= figure <= _MAX_FIGURE else 0.0


def _host(location: str) -> str:
    """Return the host of a redirect, without the rest of its URL, which may hold secrets."""
    try:
        return urlsplit(location).hostname or "another path"
    except ValueError:
        return "a URL that is not valid"


def _first_line(body: bytes) -> str:
    line = " ".join(body[:400].decode("utf-8", "replace").split())
    return line[:120] + ("…" if len(line) > 120 else "")
