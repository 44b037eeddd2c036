"""The API's responses, errors and usage headers as values; no IO.

Sources: developers.facebook.com, Ad Account Ad Images (v25.0), Graph API rate limits and error
handling. Nothing relies on what the pages do not promise: keys, order and number of entries.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from syncd.graph.json_values import converted, decoded, number, text
from syncd.model import AccountId, Entry, ImageHash
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


class _Image(msgspec.Struct, kw_only=True):
    hash: str
    name: Any = None
    width: Any = None
    height: Any = None
    url: Any = None
    url_128: Any = None
    url_256: Any = None


class _Images(msgspec.Struct):
    images: dict[str, Any] = {}


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

    id: str | None = None
    name: str | None = None
    account_status: int | None = None


def read_images(body: bytes) -> dict[str, Entry] | None:
    """Return the entries of an upload's response by their keys; None when it cannot be read.

    An entry without a hash is left out: that image was not taken.
    """
    response = decoded(body, _Images)
    if response is None:
        return None
    entries = {}
    for key, value in response.images.items():
        image = converted(value, _Image)
        if image is None or not image.hash:
            continue
        entries[key] = Entry(
            hash=ImageHash(image.hash),
            name=text(image.name),
            width=number(image.width),
            height=number(image.height),
            url=text(image.url),
            url_128=text(image.url_128),
            url_256=text(image.url_256),
        )
    return entries


def read_node(body: bytes) -> Node | None:
    """Return an object's fields; None when the body is not a JSON object."""
    return decoded(body, Node)


def read_error(status: int, body: bytes, location: str | None = None) -> ApiError:
    """Return the error that a response reports, whatever its status and form.

    `location` is the header of a redirect.
    """
    response = decoded(body, _ErrorBody)
    if response is None:
        if location is not None and 300 <= status < 400:
            return ApiError(status=status, message=f"redirected to {_host(location)}")
        return ApiError(status=status, message=_first_line(body))
    error = response.error
    return ApiError(
        status=status,
        code=number(error.code),
        subcode=number(error.error_subcode),
        transient=error.is_transient in (True, "true", "1"),
        message=text(error.error_user_msg) or text(error.message) or "",
        title=text(error.error_user_title),
        user_message=text(error.error_user_msg),
        trace_id=text(error.fbtrace_id),
    )


def is_error(body: bytes) -> bool:
    """Return whether a body is an error of the API; some have status 200."""
    return decoded(body, _ErrorBody) is not None


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
