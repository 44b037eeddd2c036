"""The outcome of a call: a response, and how it is delivered."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from syncd.sandbox.errors import ApiError, label
from syncd.sandbox.values import Json

JSON = "application/json; charset=UTF-8"
HTML = "text/html; charset=utf-8"


class Delivery(enum.Enum):
    """How a response is delivered."""

    WHOLE = "whole"
    TRUNCATED = "truncated"
    RESET = "reset"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A response and its delivery."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    delivery: Delivery = Delivery.WHOLE
    wait: float = 0.0
    """Seconds before the response is sent."""
    code: str | None = None
    """The name of the error or trouble, for the counts."""


def success_outcome(value: Json) -> Outcome:
    """Return the outcome of a successful call."""
    return Outcome(200, msgspec.json.encode(value))


def error_outcome(api_error: ApiError) -> Outcome:
    """Return the outcome of a call that failed, with the header that the API sends with errors."""
    code = "invalid_token" if api_error.code in (102, 190) else "invalid_request"
    # A message can repeat the caller's text, which may contain what a header must not.
    message = "".join(c for c in api_error.message if c.isascii() and c.isprintable() and c != '"')
    challenge = f'OAuth "Facebook Platform" "{code}" "{message}"'
    headers = {"WWW-Authenticate": challenge} if api_error.status < 500 else {}
    return Outcome(
        api_error.status,
        msgspec.json.encode(api_error.body()),
        headers=headers,
        code=label(api_error),
    )


def gateway_page(status: int, title: str) -> Outcome:
    """Return the HTML page that a gateway in front of the API sends."""
    page = (
        "<!DOCTYPE html>\n<html><head><title>Error</title></head>\n"
        f"<body><h1>{status} {title}</h1><p>Sorry, something went wrong.</p></body></html>\n"
    )
    return Outcome(status, page.encode(), HTML)
