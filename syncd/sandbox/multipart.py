"""multipart/form-data, read from a whole body: fields, and files with their names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))')


@dataclass(frozen=True, slots=True)
class Part:
    """One part. Without a file name it is a field."""

    name: str
    filename: str | None
    content_type: str | None
    content: bytes


class MalformedError(ValueError):
    """A body that is no multipart, or is cut off."""


def boundary_of(content_type: str) -> str:
    """Return the boundary that a Content-Type names."""
    boundary = _parameters(content_type).get("boundary")
    if not boundary:
        raise MalformedError("no boundary in the Content-Type")
    return boundary


def parse(body: bytes | bytearray, boundary: str) -> list[Part]:
    """Split a body into its parts. Only their contents are copied."""
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
            raise MalformedError("the body is cut off")
        parts.append(_part(bytes(body[at:head_end]), bytes(body[head_end + 4 : end])))
        at = end + 2 + len(mark)
    return parts


def base_name(filename: str) -> str:
    """Return a file name without the directories some clients send along."""
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
            # RFC 5987, as urllib3 and aiohttp send what is not ASCII: UTF-8''%C3%A4.jpg
            _, _, escaped = value.partition("''")
            value = unquote_to_bytes(escaped).decode("utf-8", "replace")
        found[key.lower().removesuffix("*")] = value
    return found
