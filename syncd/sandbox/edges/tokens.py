"""GET /debug_token and /me/permissions: what a token is valid for, and until when."""

from __future__ import annotations

from typing import Final

from syncd.sandbox.calls import Call
from syncd.sandbox.errors import call_error
from syncd.sandbox.state import State
from syncd.sandbox.tokens import Token
from syncd.sandbox.values import Json

USER_ID: Final = "10000000000000001"
APP_ID: Final = "20000000000000002"
_TARGETED: Final = frozenset({"ads_management", "ads_read"})
"""The permissions that can be granted for single ad accounts."""


def debug_token(call: Call, token: Token, state: State) -> Json:
    """Return what is known of the token `input_token`.

    developers.facebook.com, Graph API Reference, Debug Token: the caller needs the app's token, or
    that of a developer of the app.
    """
    text = call.params.text("input_token")
    if not text:
        raise call_error("100", "(#100) The parameter input_token is required.")
    if state.switches.inspection == "app_only" or text != token.text:
        raise call_error(
            "100",
            "(#100) You must provide an app access token, or a user access token that is an owner"
            " or developer of the app",
        )
    expiry, scopes = state.expiry(token), state.scopes(token)
    accounts = None if token.accounts is None else sorted(token.accounts)
    granular: list[Json] = []
    for scope in scopes:
        targets = accounts if scope in _TARGETED else None
        granular.append({"scope": scope} | ({} if targets is None else {"target_ids": targets}))
    return {
        "data": {
            "app_id": APP_ID,
            "type": "USER",
            "application": "Sandbox App",
            "data_access_expires_at": 0 if expiry is None else int(expiry),
            "expires_at": 0 if expiry is None else int(expiry),
            "is_valid": True,
            "issued_at": int(state.started),
            "scopes": list(scopes),
            "granular_scopes": granular,
            "user_id": USER_ID,
        }
    }


def permissions(token: Token, state: State) -> Json:
    """Return the permissions of the token's user for the app."""
    granted: list[Json] = [
        {"permission": scope, "status": "granted"} for scope in state.scopes(token)
    ]
    return {"data": granted}
