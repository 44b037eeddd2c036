"""Reading of files: the digest and format of one, or the bytes of images for sending."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from syncd.folders.intake.settle import unchanged_for
from syncd.folders.safe_open import FILE, Unreadable, open_file, open_waypoint, stat_of, unreadable
from syncd.heartbeat import Heartbeat
from syncd.images.probe import Verdict, probe
from syncd.ledger.sources import Source
from syncd.model import Absent, Digest, Stat

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_SIZE = 128 * 2**20
"""Bytes; a larger file is not read at all: a sparse file of 60 GiB would take minutes. The Ads
Guide's own limit is 30 MB an image."""

READ_AT_ONCE = 8 * 2**20
"""Bytes: a file up to this size is digested and probed in memory; a larger one is streamed."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """The result of reading a file, which is valid if both stats are that of the file found."""

    stat_before: Stat
    stat_after: Stat
    digest: Digest
    size: int
    verdict: Verdict
    content: bytes | None
    """The bytes that were digested; None for a file larger than READ_AT_ONCE."""


class Reader:
    """A reader of one file after the other, which keeps the last one's directory open.

    Nothing outside the root is read, even if a directory is replaced by a link meanwhile. Leaving
    the context closes the directory.
    """

    def __init__(
        self,
        progress: Callable[[], None] = lambda: None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """`progress` is called before each file, and with each piece of it that is read.

        `clock` returns the time in nanoseconds, with which the times of files are compared.
        """
        self._progress = progress
        self._clock = clock
        self._directory: tuple[bytes, bytes, int] | None = None  # root, path, descriptor

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    def digest(self, root: bytes, path: bytes) -> Reading:
        """Digest and probe the file at `path`, relative to the root; raise Unreadable."""
        self._progress()
        try:
            file = self._open(root, path)
            try:
                return _digest(file, self._progress, self._clock())
            finally:
                os.close(file)
        except OSError as error:
            raise unreadable(error) from error

    def read(self, root: bytes, path: bytes, expected: Stat) -> bytes | None:
        """Return all bytes of the file; None if it is not the expected version of the file.

        Raises Unreadable.
        """
        self._progress()
        try:
            file = self._open(root, path)
            try:
                if _stat_of_regular(file) != expected:
                    return None
                data = _read(file, expected.size, self._progress)
                if stat_of(os.fstat(file)) != expected or len(data) != expected.size:
                    return None
            finally:
                os.close(file)
        except OSError as error:
            raise unreadable(error) from error
        return data

    def _open(self, root: bytes, path: bytes) -> int:
        parent, _, name = path.rpartition(b"/")
        try:
            return os.open(name, FILE, dir_fd=self._enter(root, parent))
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            return open_file(root, path)  # a link, perhaps to a file inside the root

    def _enter(self, root: bytes, path: bytes) -> int:
        if self._directory is not None and self._directory[:2] == (root, path):
            return self._directory[2]
        self._leave()
        descriptor = open_waypoint(root, path)
        self._directory = (root, path, descriptor)
        return descriptor

    def _leave(self) -> None:
        if self._directory is not None:
            os.close(self._directory[2])
            self._directory = None


class _Streamed(io.FileIO):
    """A file that calls `progress` with each piece that is read."""

    def __init__(self, file: int, progress: Callable[[], None]) -> None:
        super().__init__(file, closefd=False)
        self._progress = progress

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        self._progress()
        return super().readinto(buffer)


def _digest(file: int, progress: Callable[[], None], wall_ns: int) -> Reading:
    before = _stat_of_regular(file)
    if before.size > MAX_SIZE:
        raise Unreadable(f"too large: {before.size:,} bytes, and syncd sends at most {MAX_SIZE:,}")
    hole, unchanged = _has_hole(file, before.size), unchanged_for(before, wall_ns)
    content: bytes | None = None
    if before.size <= READ_AT_ONCE:
        content = _read(file, before.size, progress)
        digest, size = hashlib.sha256(content).digest(), len(content)
        verdict = probe(io.BytesIO(content), hole=hole, unchanged=unchanged)
    else:
        with _Streamed(file, progress) as stream:
            stream.seek(0)
            digest = hashlib.file_digest(stream, "sha256").digest()
            size = stream.tell()
            with io.BufferedReader(stream) as buffered:
                verdict = probe(buffered, hole=hole, unchanged=unchanged)
    return Reading(
        stat_before=before,
        stat_after=stat_of(os.fstat(file)),
        digest=Digest(digest),
        size=size,
        verdict=verdict,
        content=content,
    )


def _stat_of_regular(file: int) -> Stat:
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode):
        raise Unreadable("it is no longer a regular file", gone=True)
    return stat_of(found)


def _has_hole(file: int, size: int) -> bool:
    """Return whether a part before the end was never written: lseek(2), which moves its position.

    The number of its blocks would not show it: file systems compress, and store small files in
    their inodes.
    """
    try:
        hole = os.lseek(file, 0, os.SEEK_HOLE)
    except OSError as error:
        # The file is empty or was truncated, or its file system does not report holes.
        if error.errno not in {errno.ENXIO, errno.EINVAL, errno.EOPNOTSUPP}:
            raise
        return False
    return hole < size


def _read(file: int, size: int, progress: Callable[[], None]) -> bytes:
    """Read at most `size` bytes, so that a growing file cannot fill the memory."""
    data = os.pread(file, size, 0)
    progress()
    while len(data) < size and (more := os.pread(file, size - len(data), len(data))):
        data += more
        progress()
    return data


def load(
    wanted: Sequence[tuple[Digest, Sequence[Source]]],
    readers: Mapping[int, Heartbeat],
    progress: Callable[[], None],
) -> tuple[list[bytes | Absent], list[tuple[Source, Absent]]]:
    """Return the bytes of each image, or why no file has them, and the files without them.

    The bytes returned have been hashed, and match the digest. Reading is recorded in the folder's
    heartbeat in `readers`, by the folder's id, and nothing is read from a folder that has stalled.
    `progress` is called after each file. Blocks: run it in a thread.
    """
    contents: list[bytes | Absent] = []
    failed: list[tuple[Source, Absent]] = []
    with Reader() as reader:
        for digest, sources in wanted:
            found: bytes | Absent = Absent.CHANGED
            for source in sources:
                heartbeat = readers[source.folder_id]
                if heartbeat.is_stalled():
                    found = Absent.HANGS
                    continue
                with heartbeat.operation():
                    content = _read_image(reader, digest, source)
                progress()
                if isinstance(content, bytes):
                    found = content
                    break
                failed.append((source, content))
                found = content if found is Absent.CHANGED else found
            contents.append(found)
    return contents, failed


def _read_image(reader: Reader, digest: Digest, source: Source) -> bytes | Absent:
    try:
        content = reader.read(source.root, source.path, source.stat)
    except Unreadable as error:
        return Absent.CHANGED if error.gone else Absent.UNREADABLE
    if content is None or hashlib.sha256(content).digest() != digest:
        return Absent.CHANGED
    return content
