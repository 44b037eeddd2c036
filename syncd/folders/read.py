"""Reads one file: its digest and whether it is a picture, or its bytes for sending."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from syncd.folders.inside import Unreadable, open_file, stat_of, unreadable
from syncd.folders.probe import Picture, Unfit, probe
from syncd.model import Digest, Stat

READ_AT_ONCE = 8 * 2**20
"""A file up to this size is digested and probed from memory; a larger one is streamed."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: to be believed if both stats are the one that the file has."""

    stat_before: Stat
    stat_after: Stat
    digest: Digest
    size: int
    verdict: Picture | Unfit


def digest_file(root: bytes, path: bytes) -> Reading:
    """Digest and probe the file at `path`, relative to the root; raise Unreadable."""
    with _opened(root, path) as file:
        before = stat_of(os.fstat(file.fileno()))
        if before.size <= READ_AT_ONCE:
            data = _read(file, before.size)
            digest, size = hashlib.sha256(data).digest(), len(data)
            verdict = probe(io.BytesIO(data))
        else:
            digest = hashlib.file_digest(file, "sha256").digest()
            size = file.tell()
            verdict = _probe_buffered(file)
        after = stat_of(os.fstat(file.fileno()))
    return Reading(before, after, Digest(digest), size, verdict)


def read_image(root: bytes, path: bytes, expected: Stat) -> bytes | None:
    """Return all bytes of the file, None when it is not, or no longer, the expected version.

    Raises Unreadable.
    """
    with _opened(root, path) as file:
        if stat_of(os.fstat(file.fileno())) != expected:
            return None
        data = _read(file, expected.size)
        if stat_of(os.fstat(file.fileno())) != expected or len(data) != expected.size:
            return None
    return data


def _probe_buffered(file: io.FileIO) -> Picture | Unfit:
    buffered = io.BufferedReader(file)
    try:
        return probe(buffered)
    finally:
        buffered.detach()  # or it would close the file with itself


def _read(file: io.FileIO, size: int) -> bytes:
    """Read what a file of this size holds: no more, so that one that grows is no danger."""
    data = file.read(size)
    while len(data) < size and (more := file.read(size - len(data))):
        data += more
    return data


@contextmanager
def _opened(root: bytes, path: bytes) -> Iterator[io.FileIO]:
    try:
        descriptor = open_file(root, path)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise Unreadable("no regular file stands there any more", gone=True)
        with io.FileIO(descriptor) as file:
            yield file
    except OSError as error:
        raise unreadable(error) from error
