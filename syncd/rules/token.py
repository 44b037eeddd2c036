"""What the operator has to know about a token: it expires soon, or lacks a permission."""

from __future__ import annotations

from collections.abc import Collection

DAY = 86400.0

NOTICE_DAYS = (2, 7, 14)
"""Days before the expiry of a token from which it is reported, once for each of them."""

NEEDED = ("ads_management",)
"""The permissions without which the API rejects uploads, copies and deletions.

developers.facebook.com, Marketing API, Authorization: ads_read only allows reading.
"""

RENEWAL = (
    "create a new token in Meta's business settings, and save it with `syncd token set`, which"
    " tests it first"
)
MORE_SCOPES = (
    "create a token that has the permission (Meta's business settings, System users, Generate"
    " token), and save it with `syncd token set`, which tests it first"
)


def expiry(*times: float | None) -> float | None:
    """Return the first of these times in unix seconds; None if a token never expires.

    The API reports 0 for a token that does not expire; None is a time that it does not report.
    """
    return min((at for at in times if at), default=None)


def notice(expires_at: float | None, now: float) -> int | None:
    """Return the smallest of `NOTICE_DAYS` within which a token expires; None outside of them.

    Times are in unix seconds.
    """
    if expires_at is None:
        return None
    left = expires_at - now
    return next((days for days in NOTICE_DAYS if left <= days * DAY), None)


def missing_scopes(granted: Collection[str]) -> tuple[str, ...]:
    """Return the needed permissions that a token does not have."""
    return tuple(scope for scope in NEEDED if scope not in granted)
