"""GET /me, /me/adaccounts and /act_{ID}: the token's user and accounts, and an account."""

from __future__ import annotations

from typing import Final

from syncd.sandbox.calls import Call
from syncd.sandbox.edges.pages import page_of
from syncd.sandbox.edges.representation import fields_of
from syncd.sandbox.edges.tokens import USER_ID, permissions
from syncd.sandbox.errors import no_such_object, nonexisting_field
from syncd.sandbox.state import State
from syncd.sandbox.tokens import Token
from syncd.sandbox.values import AccountId, Json

_USER: Final[dict[str, Json]] = {"id": USER_ID, "name": "Sandbox User"}
_DEFAULT: Final = ["account_id", "id"]


def me(call: Call, token: Token, state: State) -> Json:
    """Return the token's user, or the accounts that the token reaches."""
    match call.edge:
        case "":
            return dict(_USER)
        case "adaccounts":
            accounts = sorted(a for a in state.library.accounts() if token.reaches(a))
            return page_of(call, accounts, lambda one: _fields(AccountId(one), _requested(call)))
        case "permissions":
            return permissions(token, state)
        case _:
            raise no_such_object("get", call.node)


def account_node(call: Call, account: AccountId, _: Token, __: State) -> Json:
    """Return the fields of an account."""
    return _fields(account, _requested(call))


def _requested(call: Call) -> list[str]:
    return fields_of(call) if call.params.text("fields") else _DEFAULT


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
