"""What becomes of a call: an answer, and how it reaches the caller, if it does."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from syncd.sandbox.errors import Refusal, label
from syncd.sandbox.values import Json

JSON = "application/json; charset=UTF-8"
HTML = "text/html; charset=utf-8"


class Delivery(enum.Enum):
    """How an answer is handed over."""

    WHOLE = "whole"
    CUT_OFF = "cut off"
    RESET = "reset"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer and its delivery. `code` names the error or the trouble for the counts."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    delivery: Delivery = Delivery.WHOLE
    wait: float = 0.0
    code: str | None = None


def answered(value: Json) -> Outcome:
    return Outcome(200, msgspec.json.encode(value))


def refusing(refusal: Refusal) -> Outcome:
    """Return an error's answer; the header is what the Graph API sends beside every error."""
    code = "invalid_token" if refusal.code in (102, 190) else "invalid_request"
    # A message repeats what the caller wrote, which need not be fit for a header.
    words = "".join(c for c in refusal.message if c.isascii() and c.isprintable() and c != '"')
    challenge = f'OAuth "Facebook Platform" "{code}" "{words}"'
    headers = {"WWW-Authenticate": challenge} if refusal.status < 500 else {}
    return Outcome(
        refusal.status, msgspec.json.encode(refusal.body()), headers=headers, code=label(refusal)
    )


def gateway_page(status: int, title: str) -> Outcome:
    """Return what a gateway before the Graph API answers: a page, no JSON."""
    page = (
        "<!DOCTYPE html>\n<html><head><title>Error</title></head>\n"
        f"<body><h1>{status} {title}</h1><p>Sorry, something went wrong.</p></body></html>\n"
    )
    return Outcome(status, page.encode(), HTML)
