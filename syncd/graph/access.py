"""What a token is valid for, and which ad accounts it reaches, as values; no IO.

Sources: developers.facebook.com, Debug Token, Permissions of a user, Ad Account, Batch Requests.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from syncd.graph.json_values import bounded, converted, decoded, name, number, text
from syncd.graph.shapes import is_error, read_error
from syncd.model import AccountId
from syncd.rules.errors import ApiError

_OWN_FIELDS = "account_id,name,account_status,currency"
ACCOUNT_FIELDS = f"{_OWN_FIELDS},business{{name}}"
ACCOUNT_FIELDS_WITHOUT_BUSINESS = _OWN_FIELDS
"""The fields that a token reads without a permission for businesses."""

_YEAR_10000 = 253402300800
"""The first second in UTC that no date of Python contains."""

_ACCOUNT_ID = re.compile(r"[0-9]{1,20}")


class AdAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An ad account that a token reaches, as its user sees it."""

    id: AccountId
    name: str | None
    business: str | None
    """The name of the business that owns it; None for an account of a person."""
    status: int | None
    """The field `account_status`; 1 is active."""
    currency: str | None

    def __str__(self) -> str:
        of = f", of {self.business}" if self.business else ""
        return f"{self.name or 'without a name'}{of}"


class AccountPage(msgspec.Struct, frozen=True):
    """A page of the ad accounts of a token; `after` is the cursor of the next one, if any."""

    accounts: tuple[AdAccount, ...]
    after: str | None


class TokenFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the API reports about a token; None for what it does not report."""

    scopes: frozenset[str]
    app: str | None = None
    expires_at: float | None = None
    """Unix seconds; 0 if it never expires."""
    data_access_expires_at: float | None = None
    """Unix seconds after which the user has to confirm the app's access; 0: never."""


class _AccountNode(msgspec.Struct, kw_only=True):
    id: Any = None
    account_id: Any = None
    name: Any = None
    business: Any = None
    account_status: Any = None
    currency: Any = None


class _Named(msgspec.Struct):
    name: Any = None


class _List(msgspec.Struct):
    data: list[Any]
    paging: Any = None


class _Paging(msgspec.Struct):
    cursors: Any = None
    next: Any = None


class _Cursors(msgspec.Struct):
    after: Any = None


class _TokenNode(msgspec.Struct, kw_only=True):
    scopes: list[Any]
    app_id: Any = None
    application: Any = None
    expires_at: Any = None
    data_access_expires_at: Any = None


class _Inspection(msgspec.Struct):
    data: _TokenNode


class _Permission(msgspec.Struct):
    permission: Any = None
    status: Any = None


def read_accounts(body: bytes) -> AccountPage | None:
    """Return a page of ad accounts; None when the body has no list in `data`."""
    response = decoded(body, _List)
    if response is None:
        return None
    nodes = (converted(value, _AccountNode) or _AccountNode() for value in response.data)
    accounts = tuple(account for node in nodes if (account := _account(node)) is not None)
    paging = converted(response.paging, _Paging) or _Paging()
    cursors = converted(paging.cursors, _Cursors) or _Cursors()
    return AccountPage(accounts, text(cursors.after) if text(paging.next) else None)


def read_account(body: bytes) -> AdAccount | None:
    """Return an ad account; None when the body is not one."""
    return _account(decoded(body, _AccountNode) or _AccountNode())


def _account(node: _AccountNode) -> AdAccount | None:
    digits = (text(node.account_id) or text(node.id) or "").removeprefix("act_")
    if _ACCOUNT_ID.fullmatch(digits) is None:
        return None
    business = converted(node.business, _Named) or _Named()
    return AdAccount(
        id=AccountId(digits),
        name=name(node.name),
        business=name(business.name),
        status=number(node.account_status),
        currency=name(node.currency),
    )


def read_inspection(body: bytes) -> TokenFacts | None:
    """Return what `debug_token` reports; None when the body has no scopes in `data`."""
    response = decoded(body, _Inspection)
    if response is None:
        return None
    node = response.data
    app = name(node.application) or name(node.app_id)
    return TokenFacts(
        scopes=frozenset(bounded(one) for one in node.scopes if isinstance(one, str)),
        app=app,
        expires_at=_time(node.expires_at),
        data_access_expires_at=_time(node.data_access_expires_at),
    )


def _time(value: Any) -> float | None:
    """Return a time in unix seconds; None for any other value, and after the year 9999."""
    at = number(value)
    return at if at is not None and 0 <= at < _YEAR_10000 else None


def read_permissions(body: bytes) -> TokenFacts | None:
    """Return the granted scopes; None when the body has no list in `data`."""
    response = decoded(body, _List)
    if response is None:
        return None
    entries = (converted(value, _Permission) or _Permission() for value in response.data)
    granted = [one.permission for one in entries if one.status == "granted"]
    return TokenFacts(scopes=frozenset(bounded(one) for one in granted if isinstance(one, str)))


class _Item(msgspec.Struct):
    """The response to one call of a batch."""

    code: int
    body: str


def read_batch(body: bytes, calls: int) -> list[bytes | ApiError] | None:
    """Return the body or the error of each of `calls` calls; None when the list is not complete.

    The API returns null for a call that took too long.
    """
    items = decoded(body, list[_Item | None])
    if items is None or len(items) != calls:
        return None
    return [_body_or_error(item) for item in items]


def _body_or_error(item: _Item | None) -> bytes | ApiError:
    if item is None:
        return ApiError(message="a call of a batch took too long")
    body = item.body.encode("utf-8", "replace")
    return body if item.code < 300 and not is_error(body) else read_error(item.code, body)
