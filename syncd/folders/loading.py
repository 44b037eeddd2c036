"""The bytes of images for sending: just digested, or from whichever of their files holds them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from syncd.folders.inside import Unreadable
from syncd.folders.read import Reader
from syncd.ledger.replicas import Source
from syncd.model import Digest


def load(
    wanted: Sequence[tuple[Digest, Sequence[Source]]],
) -> tuple[list[bytes | None], list[Source]]:
    """Return the bytes of each image, None where no file has them, and the files that changed.

    What is returned has been hashed: it is what the digest says. Blocks: run it in a thread.
    """
    contents: list[bytes | None] = []
    changed: list[Source] = []
    with Reader() as reader:
        for digest, sources in wanted:
            content = None
            for source in sources:
                content = _read(reader, digest, source)
                if content is not None:
                    break
                changed.append(source)
            contents.append(content)
    return contents, changed


def _read(reader: Reader, digest: Digest, source: Source) -> bytes | None:
    try:
        content = reader.read(source.root, source.path, source.stat)
    except Unreadable:
        return None
    return content if content is not None and hashlib.sha256(content).digest() == digest else None
