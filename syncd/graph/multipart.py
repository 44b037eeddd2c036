"""A multipart/form-data body of many files, written part by part; no IO of its own.

RFC 7578: names are UTF-8 as they are, with only quote, CR and LF escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

_SMALL = 64 * 1024  # bytes


class Part(msgspec.Struct, frozen=True):
    """One file of a POST: its name there, its media type, its bytes."""

    name: str
    media_type: str
    content: bytes


class Body(msgspec.Struct, frozen=True):
    """A whole body as the pieces to write one after the other, never joined."""

    content_type: str
    pieces: tuple[bytes, ...]

    @property
    def length(self) -> int:
        """How many bytes the pieces have in all."""
        return sum(map(len, self.pieces))

    def chunks(self, size: int) -> Iterator[bytes | memoryview]:
        """Yield the body in chunks of at most `size` bytes; what is small is joined, a large piece
        is cut without being copied.

        A write of its own costs more than a copy of 64 KB does.
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


def multipart(parts: Iterable[Part], fields: Iterable[tuple[str, str]], boundary: str) -> Body:
    """Return the body of a form of plain fields and files; the boundary occurs in none of them."""
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
