"""The bytes of images for sending, read from one of their files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence

from syncd.folders.intake.read import Reader
from syncd.folders.safe_open import Unreadable
from syncd.heartbeat import Heartbeat
from syncd.ledger.replicas import Source
from syncd.model import Absent, Digest


def load(
    wanted: Sequence[tuple[Digest, Sequence[Source]]],
    readers: Mapping[int, Heartbeat],
    progress: Callable[[], None],
) -> tuple[list[bytes | Absent], list[Source]]:
    """Return the bytes of each image, or why no file has them, and the files that changed.

    The bytes returned have been hashed, and match the digest. Reading is recorded in the folder's
    heartbeat in `readers`, by the folder's id, and nothing is read from a folder that has stalled.
    `progress` is called after each file. Blocks: run it in a thread.
    """
    contents: list[bytes | Absent] = []
    changed: list[Source] = []
    with Reader() as reader:
        for digest, sources in wanted:
            found: bytes | Absent = Absent.CHANGED
            for source in sources:
                heartbeat = readers[source.folder_id]
                if heartbeat.is_stalled():
                    found = Absent.HANGS
                    continue
                with heartbeat.operation():
                    content = _read(reader, digest, source)
                progress()
                if content is not None:
                    found = content
                    break
                changed.append(source)
            contents.append(found)
    return contents, changed


def _read(reader: Reader, digest: Digest, source: Source) -> bytes | None:
    try:
        content = reader.read(source.root, source.path, source.stat)
    except Unreadable:
        return None
    return content if content is not None and hashlib.sha256(content).digest() == digest else None
