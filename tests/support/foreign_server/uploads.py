"""The contents of a POST to the image edge, and the rules that they must follow."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from support.foreign_server.multipart import Part, is_media_type, parse
from support.foreign_server.wire import Head, Malformed

EXTENSIONS = {"jpg", "jpeg", "png", "gif", "bmp", "tif", "tiff"}
KINDS = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
)
LONGEST = 100


@dataclass(frozen=True)
class Copy:
    """A reference to an image of another account."""

    account: str
    hash: str


@dataclass(frozen=True)
class Post:
    """An upload: files with their names, the field `bytes`, or a copy."""

    account: str
    way: str  # files, bytes, copy
    images: tuple[tuple[str, bytes], ...]
    copy: Copy | None
    fields: tuple[tuple[str, str], ...]

    @property
    def is_shared(self) -> bool:
        """Whether it has several images."""
        return len(self.images) > 1


def read_post(account: str, head: Head, body: bytes) -> Post:
    """Return the contents of a POST; raise Malformed."""
    content_type = head.one("content-type") or ""
    kind = content_type.partition(";")[0].strip().lower()
    files: list[Part] = []
    fields: list[tuple[str, str]]
    if kind == "multipart/form-data":
        parts = parse(content_type, body)
        files = [part for part in parts if part.filename is not None]
        fields = [(p.name, p.content.decode("utf-8")) for p in parts if p.filename is None]
    elif kind == "application/x-www-form-urlencoded":
        fields = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
    elif kind == "application/json":
        fields = [
            (k, v if isinstance(v, str) else json.dumps(v)) for k, v in json.loads(body).items()
        ]
    else:
        raise Malformed(f"Content-Type {content_type!r}")
    given = dict(fields)
    if len(given) != len(fields):
        raise Malformed(f"a field was given twice: {[name for name, _ in fields]}")
    if len(bool(files) * "f" + ("bytes" in given) * "b" + ("copy_from" in given) * "c") != 1:
        raise Malformed("a POST carries files, bytes or copy_from")
    if files:
        _check(files)
        images = [(part.filename or "", part.content) for part in files]
        return Post(account, "files", tuple(images), None, tuple(fields))
    if "bytes" in given:
        return Post(account, "bytes", (("bytes", _decoded(given["bytes"])),), None, tuple(fields))
    wanted = json.loads(given["copy_from"])
    source, image_hash = str(wanted["source_account_id"]), wanted["hash"]
    if not source.isdigit() or set(wanted) != {"source_account_id", "hash"}:
        raise Malformed(f"copy_from {wanted}")
    return Post(account, "copy", (), Copy(source, image_hash), tuple(fields))


def _check(files: list[Part]) -> None:
    for one in ([part.name for part in files], [part.filename or "" for part in files]):
        if len({name.casefold() for name in one}) != len(one):
            raise Malformed(f"two parts have the same name: {one}")
    for part in files:
        name = part.filename or ""
        stem, _, extension = name.rpartition(".")
        if not stem or extension.lower() not in EXTENSIONS:
            raise Malformed(f"the file name {name!r} has no extension of an image")
        if len(name) > LONGEST:
            raise Malformed(f"the file name {name!r} has {len(name)} characters")
        if re.search(r'[/\\"\x00-\x1f\x7f]', name):
            raise Malformed(f"the file name {name!r} has invalid characters")
        if not is_media_type(part.content_type):
            raise Malformed(f"the part {name!r} has Content-Type {part.content_type!r}")
        real = next((kind for magic, kind in KINDS if part.content.startswith(magic)), None)
        if part.content_type != real:
            raise Malformed(
                f"the part {name!r} is {real}, but its Content-Type is {part.content_type!r}"
            )


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("bytes is not base64") from None
