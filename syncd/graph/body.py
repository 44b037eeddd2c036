"""Request bodies: multipart/form-data with many files, and urlencoded forms; no IO of its own.

Multipart follows RFC 7578: names are UTF-8, with only quote, CR and LF escaped.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlencode

import msgspec

_URLENCODED = "application/x-www-form-urlencoded"
_SMALL = 64 * 1024  # bytes; a copy of that much costs less than a separate write


class Part(msgspec.Struct, frozen=True):
    """One file of a multipart body; its name is also the name of its form field."""

    name: str
    media_type: str
    content: bytes


class Body(msgspec.Struct, frozen=True):
    """A body as pieces to write one after the other; they are never joined as a whole."""

    content_type: str
    pieces: tuple[bytes, ...]

    @property
    def length(self) -> int:
        """The length of the whole body in bytes."""
        return sum(map(len, self.pieces))

    def chunks(self, size: int) -> Iterator[bytes | memoryview]:
        """Yield the body in chunks of at most `size` bytes.

        Small pieces are joined; large ones are split without a copy.
        """
        joined: list[bytes | memoryview] = []
        length = 0
        for piece in self.pieces:
            rest = memoryview(piece)
            while len(rest) > _SMALL:
                if joined:
                    yield b"".join(joined)
                    joined, length = [], 0
                yield rest[:size]
                rest = rest[size:]
            if length + len(rest) > size:
                yield b"".join(joined)
                joined, length = [], 0
            if rest:
                joined.append(rest)
                length += len(rest)
        if joined:
            yield b"".join(joined)


def urlencoded(fields: Mapping[str, str]) -> Body:
    """Return a urlencoded form of plain fields."""
    return Body(_URLENCODED, (urlencode(fields).encode(),))


def urlencoded_image(content: bytes, fields: Mapping[str, str]) -> Body:
    """Return a urlencoded form with an image in the field `bytes`."""
    text = base64.b64encode(content)
    for sign, quoted in ((b"+", b"%2B"), (b"/", b"%2F"), (b"=", b"%3D")):
        text = text.replace(sign, quoted)
    return Body(_URLENCODED, (f"{urlencode(fields)}&bytes=".encode(), text))


def multipart(parts: Iterable[Part], fields: Iterable[tuple[str, str]], boundary: str) -> Body:
    """Return a multipart body of fields and files; `boundary` must occur in none of them."""
    return Body(
        f"multipart/form-data; boundary={boundary}",
        (*_pieces(parts, fields, boundary), f"--{boundary}--\r\n".encode()),
    )


def _pieces(
    parts: Iterable[Part], fields: Iterable[tuple[str, str]], boundary: str
) -> Iterator[bytes]:
    for name, value in fields:
        yield (
            f"--{boundary}\r\n"
            f'Content-Disposition: form-data; name="{_escaped(name)}"\r\n\r\n{value}\r\n'
        ).encode()
    for part in parts:
        name = _escaped(part.name)
        yield (
            f"--{boundary}\r\n"
            f'Content-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
            f"Content-Type: {part.media_type}\r\n\r\n"
        ).encode()
        yield part.content
        yield b"\r\n"


def _escaped(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
