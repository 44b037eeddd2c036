"""The options of `syncd sandbox`, and the sandbox that they describe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from syncd.sandbox.errors import names as errors_by_name
from syncd.sandbox.faults import DESCRIPTIONS, parse_fault
from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches, documented, switched
from syncd.sandbox.tokens import DEFAULT_TOKEN, Token
from syncd.sandbox.values import DEFAULT_ACCOUNTS, account_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options as texts; empty where none was given."""

    port: int = 0
    tier: str = "standard"
    faults: Sequence[str] = ()
    switches: Sequence[str] = ()
    accounts: Sequence[str] = ()
    tokens: Sequence[str] = ()
    app_secret: str | None = None
    seed: int = 0


def sandbox_of(options: Options) -> Sandbox:
    """Return a sandbox that does not serve yet; raise ValueError with what to write instead."""
    tokens = [_token(text) for text in options.tokens or [DEFAULT_TOKEN]]
    sandbox = Sandbox(
        switched(Switches(), [f"tier={options.tier}", *options.switches]),
        port=options.port,
        tokens=tokens,
        accounts=options.accounts or None,
        app_secret=options.app_secret,
        seed=options.seed,
    )
    if not options.accounts:
        of_tokens = {account for token in tokens for account in token.accounts or ()}
        for account in of_tokens or map(account_id, DEFAULT_ACCOUNTS):
            sandbox.library.open(account)
    for spec in options.faults:
        sandbox.faults.add(parse_fault(spec))
    return sandbox


def described_choices() -> str:
    """Return a list of all switches and faults, as text for the user."""
    switches = "\n".join(
        f"  {name}={value}\n      {doc} ({values})" for name, value, values, doc in documented()
    )
    errors = ", ".join(errors_by_name())
    troubles = "\n".join(f"  {trouble:<13} {meaning}" for trouble, meaning in DESCRIPTIONS.items())
    return f"Switches, with their defaults:\n{switches}\n\nFaults:\n{troubles}\n  errors: {errors}"


def _token(text: str) -> Token:
    token, equals, accounts = text.partition("=")
    return Token.of(token, accounts.split(",") if equals else None)
