"""A parser of multipart/form-data that is as strict as RFC 7578 and RFC 2046."""

from __future__ import annotations

import re
from dataclasses import dataclass

from support.foreign_server.wire import Malformed

_BCHARS = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]\Z")
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"(?:[^"\\\r\n]|\\.)*"'
_PARAMETER = re.compile(rf"\s*;\s*({_TOKEN})\s*=\s*({_QUOTED}|{_TOKEN})")
_MEDIA_TYPE = re.compile(r"([a-z]+/[a-z0-9.+-]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    """One field of a form; with a file name it is a file."""

    name: str
    filename: str | None
    content_type: str | None
    content: bytes


def boundary_of(content_type: str) -> bytes:
    """Return the boundary of a Content-Type; raise Malformed."""
    kind, rest = _value(content_type)
    if kind.lower() != "multipart/form-data":
        raise Malformed(f"Content-Type {content_type!r}")
    boundary = rest.get("boundary", "")
    if not _BCHARS.match(boundary):
        raise Malformed(f"boundary {boundary!r}")
    return boundary.encode("ascii")


def parse(content_type: str, body: bytes) -> list[Part]:
    """Return the parts in order; raise Malformed."""
    delimiter = b"--" + boundary_of(content_type)
    if not body.startswith(delimiter + b"\r\n"):
        raise Malformed(f"the body begins with {body[:60]!r}")
    parts: list[Part] = []
    pieces = (b"\r\n" + body).split(b"\r\n" + delimiter)
    if pieces[0]:
        raise Malformed("there is a preamble")
    if pieces[-1] not in {b"--", b"--\r\n"}:
        raise Malformed(f"the body ends with {pieces[-1][-60:]!r}")
    for piece in pieces[1:-1]:
        if not piece.startswith(b"\r\n"):
            raise Malformed("a delimiter is not followed by CRLF")
        parts.append(_part(piece[2:]))
    if not parts:
        raise Malformed("no part")
    return parts


def _part(raw: bytes) -> Part:
    head, blank, content = raw.partition(b"\r\n\r\n")
    if not blank:
        raise Malformed(f"a part has no blank line: {raw[:60]!r}")
    headers: dict[str, str] = {}
    for line in head.split(b"\r\n"):
        if b"\r" in line or b"\n" in line or b"\0" in line:
            raise Malformed(f"a part's header has a bare line end: {line!r}")
        try:
            name, colon, value = line.decode("utf-8").partition(":")
        except UnicodeDecodeError:
            raise Malformed(f"a part's header is not UTF-8: {line!r}") from None
        if not colon or name.lower() in headers:
            raise Malformed(f"a part's header {line!r}")
        headers[name.lower()] = value.strip(" \t")
    if unknown := set(headers) - {"content-disposition", "content-type"}:
        raise Malformed(f"a part has {sorted(unknown)}, which RFC 7578 4.8 does not allow")
    kind, parameters = _value(headers.get("content-disposition", ""))
    if kind != "form-data" or "name" not in parameters:
        raise Malformed(f"a part's disposition {headers}")
    if unknown := set(parameters) - {"name", "filename"}:
        raise Malformed(f"a part's disposition has {sorted(unknown)} (RFC 7578 4.2)")
    return Part(
        parameters["name"], parameters.get("filename"), headers.get("content-type"), content
    )


def _value(header: str) -> tuple[str, dict[str, str]]:
    """Return the value and the parameters of a header."""
    kind, semicolon, _ = header.partition(";")
    at, found = len(kind), dict[str, str]()
    if not semicolon:
        return kind.strip(), found
    while at < len(header):
        match = _PARAMETER.match(header, at)
        if match is None:
            raise Malformed(f"header value {header!r}")
        name, value = match[1].lower(), match[2]
        if name in found:
            raise Malformed(f"{name} twice in {header!r}")
        found[name] = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
        at = match.end()
    return kind.strip(), found


def is_media_type(text: str | None) -> bool:
    """Return whether a text is a type/subtype."""
    return text is not None and _MEDIA_TYPE.fullmatch(text) is not None
