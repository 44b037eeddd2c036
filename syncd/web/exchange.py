"""A request and a response, without HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

HTML = "text/html; charset=utf-8"
CSV = "text/csv; charset=utf-8"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request of a browser; `form` is empty unless it is a POST."""

    method: str
    path: str
    query: Mapping[str, str] = {}
    form: Mapping[str, Sequence[str]] = {}
    cookies: Mapping[str, str] = {}
    host: str = ""  # the header Host
    client: str = ""  # the address
    is_encrypted: bool = False  # between the client and a proxy


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """A response; headers in addition to those of every response."""

    body: bytes
    type: str = HTML
    status: int = 200
    headers: Mapping[str, str] = {}


def redirect(to: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response that leads to another path, by GET."""
    return Response(body=b"", status=303, headers={"Location": to, **(headers or {})})
