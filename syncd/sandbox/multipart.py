"""Reading of multipart/form-data bodies: fields, and files with their names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))')


@dataclass(frozen=True, slots=True)
class Part:
    """One part; without a file name it is a field."""

    name: str
    filename: str | None
    content_type: str | None
    content: bytes


class MalformedError(ValueError):
    """A body that is not multipart, or is truncated."""


def boundary_of(content_type: str) -> str:
    """Return the boundary of a Content-Type; raise MalformedError without one."""
    boundary = _parameters(content_type).get("boundary")
    if not boundary:
        raise MalformedError("the Content-Type has no boundary")
    return boundary


def parse(body: bytes | bytearray, boundary: str) -> list[Part]:
    """Return the parts of a body; only their contents are copied."""
    mark = b"--" + boundary.encode()
    if body.startswith(mark):
        at = len(mark)
    else:
        at = body.find(b"\r\n" + mark) + 2 + len(mark)
        if at < 2 + len(mark):
            raise MalformedError("the boundary is not in the body")
    parts = []
    while body[at : at + 2] != b"--":
        head_end = body.find(b"\r\n\r\n", at)
        end = body.find(b"\r\n" + mark, head_end + 2)
        if head_end < 0 or end < 0:
            raise MalformedError("the body is truncated")
        parts.append(_part(bytes(body[at:head_end]), bytes(body[head_end + 4 : end])))
        at = end + 2 + len(mark)
    return parts


def base_name(filename: str) -> str:
    """Return a file name without directories, which some clients send."""
    return filename.replace("\\", "/").rsplit("/", 1)[-1]


def _part(head: bytes, content: bytes) -> Part:
    headers = {}
    for line in head.decode("utf-8", "replace").split("\r\n"):
        key, _, value = line.partition(":")
        headers[key.strip().lower()] = value.strip()
    disposition = _parameters(headers.get("content-disposition", ""))
    return Part(
        disposition.get("name", ""),
        disposition.get("filename"),
        headers.get("content-type"),
        content,
    )


def _parameters(header: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, quoted, token in _PARAMETER.findall(header):
        value = re.sub(r'\\(["\\])', r"\1", quoted) if quoted else token
        if key.endswith("*"):
            # RFC 5987, used by urllib3 and aiohttp for non-ASCII names: UTF-8''%C3%A4.jpg
            _, _, escaped = value.partition("''")
            value = unquote_to_bytes(escaped).decode("utf-8", "replace")
        found[key.lower().removesuffix("*")] = value
    return found
