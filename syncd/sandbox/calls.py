"""A call of the Graph API, read from its HTTP request: node, edge, parameters, files, token."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from syncd.sandbox import multipart, params
from syncd.sandbox.errors import ApiError, CallError, call_error
from syncd.sandbox.multipart import MalformedError, Part
from syncd.sandbox.params import Params
from syncd.sandbox.values import AccountId, Kind, account_id

_VERSION = re.compile(r"v\d+\.\d+")
_ACCOUNT = re.compile(r"act_\d+")
_IMAGE = re.compile(r"(\d+):([0-9a-f]{32})")


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `params` includes `query`, which paging links repeat."""

    method: str
    version: str | None
    node: str
    edge: str
    query: Params
    params: Params
    files: Sequence[Part]
    size: int
    token: str | None
    base_url: str
    problem: ApiError | None = None
    """The error of a body that could not be read."""

    @property
    def account(self) -> AccountId | None:
        """The account of the node, which pays for the call."""
        if _ACCOUNT.fullmatch(self.node):
            return account_id(self.node)
        match = _IMAGE.fullmatch(self.node)
        return None if match is None else AccountId(match[1])

    @property
    def kind(self) -> Kind:
        """The kind of call, by method, node and edge."""
        match self.method, self.edge:
            case "POST", "adimages":
                return Kind.COPY if self.params.has("copy_from") else Kind.UPLOAD
            case "GET", "adimages":
                return Kind.LIST
            case "DELETE", "adimages":
                return Kind.DELETE
            case "GET", "" if _ACCOUNT.fullmatch(self.node):
                return Kind.ACCOUNT
            case "GET", _ if self.node == "me":
                return Kind.ME
            case _:
                return Kind.OTHER

    @property
    def image(self) -> tuple[AccountId, str] | None:
        """Account and hash of the node; None unless the node is an image's id."""
        match = _IMAGE.fullmatch(self.node)
        return None if match is None else (AccountId(match[1]), match[2])


def read_call(
    *,
    method: str,
    target: str,
    authorization: str | None,
    content_type: str,
    body: bytearray,
    base_url: str,
) -> Call:
    """Return the call of an HTTP request; an unreadable body becomes its `problem`."""
    path, _, query_text = target.partition("?")
    version, node, edge = split_path(path)
    query = params.from_urlencoded(query_text)
    problem = None
    fields, files = Params(), list[Part]()
    try:
        fields, files = read_body(content_type, body)
    except CallError as error:
        problem = error.api_error
    both = query + fields
    return Call(
        method=method,
        version=version,
        node=node,
        edge=edge,
        query=query,
        params=both,
        files=files,
        size=len(body),
        token=bearer(authorization) or both.text("access_token"),
        base_url=base_url,
        problem=problem,
    )


def split_path(path: str) -> tuple[str | None, str, str]:
    """Return version, node and edge of a path such as /v25.0/act_1/adimages."""
    steps = [unquote(step) for step in path.split("/") if step]
    version = steps.pop(0) if steps and _VERSION.fullmatch(steps[0]) else None
    node = steps[0] if steps else ""
    return version, node, "/".join(steps[1:])


def bearer(authorization: str | None) -> str | None:
    """Return the token of an Authorization header; `OAuth` is an older name of Bearer."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() in ("bearer", "oauth") else None


def read_body(content_type: str, body: bytearray) -> tuple[Params, list[Part]]:
    """Return the fields and files of a body, by its Content-Type."""
    match content_type.partition(";")[0].strip().lower():
        case "multipart/form-data":
            try:
                parts = multipart.parse(body, multipart.boundary_of(content_type))
            except MalformedError as error:
                raise call_error("100", f"(#100) {error}") from None
            fields = [
                (p.name, p.content.decode(errors="replace")) for p in parts if p.filename is None
            ]
            return Params(fields), [part for part in parts if part.filename is not None]
        case "application/json":
            return params.from_json(bytes(body)), []
        case "application/x-www-form-urlencoded":
            return params.from_urlencoded(body.decode(errors="replace")), []
        case _:
            return Params(), []
