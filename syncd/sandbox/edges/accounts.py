"""GET /me, /me/adaccounts and /act_{ID}: the token's user and accounts, and an account."""

from __future__ import annotations

from typing import Final

from syncd.sandbox.calls import Call
from syncd.sandbox.edges.listing import id_of, link, opaque
from syncd.sandbox.edges.representation import fields_of
from syncd.sandbox.edges.tokens import USER_ID, permissions
from syncd.sandbox.errors import call_error, no_such_object, nonexisting_field
from syncd.sandbox.state import State
from syncd.sandbox.tokens import Token
from syncd.sandbox.values import AccountId, Json

_USER: Final[dict[str, Json]] = {"id": USER_ID, "name": "Sandbox User"}
_DEFAULT: Final = ["account_id", "id"]
_DEFAULT_LIMIT: Final = 25


def me(call: Call, token: Token, state: State) -> Json:
    """Return the token's user, or the accounts that the token reaches."""
    match call.edge:
        case "":
            return dict(_USER)
        case "adaccounts":
            return _page(call, sorted(a for a in state.library.accounts() if token.reaches(a)))
        case "permissions":
            return permissions(token, state)
        case _:
            raise no_such_object("get", call.node)


def account_node(call: Call, account: AccountId, _: Token, __: State) -> Json:
    """Return the fields of an account."""
    return _fields(account, fields_of(call) if call.params.text("fields") else _DEFAULT)


def _page(call: Call, accounts: list[AccountId]) -> Json:
    """Return the page of accounts that `limit` and `after` request."""
    limit, after = call.params.number("limit"), call.params.text("after")
    if limit is not None and limit < 1:
        raise call_error("100", "(#100) Param limit must be greater than 0")
    rest = accounts if after is None else [a for a in accounts if a > id_of(after)]
    shown = rest[: limit or _DEFAULT_LIMIT]
    fields = fields_of(call) if call.params.text("fields") else _DEFAULT
    paging: dict[str, Json] = {}
    if shown:
        first, last = opaque(shown[0]), opaque(shown[-1])
        paging["cursors"] = {"before": first, "after": last}
        if len(shown) < len(rest):
            paging["next"] = link(call, "after", last)
    return {"data": [_fields(account, fields) for account in shown], "paging": paging}


def _fields(account: AccountId, names: list[str]) -> dict[str, Json]:
    known: dict[str, Json] = {
        "id": f"act_{account}",
        "account_id": account,
        "name": f"Sandbox account {account}",
        "account_status": 1,
        "business": {"id": f"9{account}", "name": "Sandbox Business"},
        "currency": "USD",
        "timezone_id": 1,
        "timezone_name": "America/Los_Angeles",
        "timezone_offset_hours_utc": -8,
        "amount_spent": "0",
        "balance": "0",
        "disable_reason": 0,
        "user_tasks": ["DRAFT", "ANALYZE", "ADVERTISE", "MANAGE"],
    }
    for name in names:
        if name not in known:
            raise nonexisting_field(name, "AdAccount")
    return {name: known[name] for name in dict.fromkeys([*names, "id"])}
