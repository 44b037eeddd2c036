"""A file system that hangs on demand, like one of a file server that no longer responds.

It speaks as much of the kernel's FUSE protocol (linux/fuse.h) as a folder of images needs. System
calls in it really block.
"""

import ctypes
import os
import stat
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

_LOOKUP, _FORGET, _GETATTR, _OPEN, _READ, _STATFS, _RELEASE = 1, 2, 3, 14, 15, 17, 18
_FLUSH, _INIT, _OPENDIR, _READDIR, _RELEASEDIR, _INTERRUPT, _BATCH_FORGET = (
    25, 26, 27, 28, 29, 36, 42,
)  # fmt: skip
_NO_RESPONSE = {_FORGET, _BATCH_FORGET, _INTERRUPT}
_ENOENT, _EINTR, _ENOSYS = 2, 4, 38
_ROOT = 1
_HEAD = struct.Struct("<IIQQIIIHH")  # length, opcode, unique, node, uid, gid, pid, extensions, pad
_BUFFER = 2**18


@dataclass
class Hanging:
    """A folder with files in one directory, by their names, which hangs until `recover`."""

    path: Path
    device: int
    files: dict[bytes, bytes] = field(default_factory=dict)
    _hangs: Callable[[int], bool] = lambda _: False
    _waiting: list[bytes] = field(default_factory=list)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def waiting(self) -> int:
        """The number of requests without a response."""
        return len(self._waiting)

    def hang(self) -> None:
        """Hang in all requests."""
        self._hangs = lambda opcode: opcode not in _NO_RESPONSE

    def hang_except_attributes(self) -> None:
        """Hang in all requests except those that a cache might answer."""
        known = (*_NO_RESPONSE, _LOOKUP, _GETATTR)
        self._hangs = lambda opcode: opcode not in known

    def hang_reads(self) -> None:
        """Hang in reads of files."""
        self._hangs = lambda opcode: opcode == _READ

    def recover(self) -> None:
        """Respond to all requests, including those that wait."""
        with self._turn:
            self._hangs = lambda _: False
            waiting, self._waiting = self._waiting, []
        for request in waiting:
            self._handle(request)

    def serve(self) -> None:
        """Respond to requests until the file system is unmounted."""
        with suppress(OSError):  # ENODEV: it was unmounted
            while True:
                self._handle(os.read(self.device, _BUFFER))

    def _handle(self, request: bytes) -> None:
        _, opcode, unique, node, *_ = _HEAD.unpack_from(request)
        with self._turn:
            if self._hangs(opcode):
                self._waiting.append(request)
                return
        if opcode == _INTERRUPT:
            self._interrupt(*struct.unpack_from("<Q", request, _HEAD.size))
        if opcode in _NO_RESPONSE:
            return
        body = request[_HEAD.size :]
        self._respond(unique, self._response(opcode, node, body))

    def _interrupt(self, unique: int) -> None:
        """End the request of a process that was killed, as a file server's client does."""
        with self._turn:
            before = len(self._waiting)
            self._waiting = [one for one in self._waiting if _HEAD.unpack_from(one)[2] != unique]
            held = len(self._waiting) < before
        if held:
            self._respond(unique, _EINTR)

    def _respond(self, unique: int, response: bytes | int) -> None:
        error, content = (-response, b"") if isinstance(response, int) else (0, response)
        with suppress(FileNotFoundError):  # the request has ended
            os.write(self.device, struct.pack("<IiQ", 16 + len(content), error, unique) + content)

    def _response(self, opcode: int, node: int, body: bytes) -> bytes | int:
        match opcode:
            case _ if opcode == _INIT:
                return struct.pack("<IIIIHHII8I", 7, 31, 2**17, 0, 12, 9, 2**17, 1, *[0] * 8)
            case _ if opcode == _LOOKUP:
                name = body.rstrip(b"\0")
                if name not in self.files:
                    return _ENOENT
                number = self._number(name)
                return struct.pack("<QQQQII", number, 1, 0, 0, 0, 0) + self._attributes(number)
            case _ if opcode == _GETATTR:
                return struct.pack("<QII", 0, 0, 0) + self._attributes(node)
            case _ if opcode in (_OPEN, _OPENDIR):
                return struct.pack("<QII", 0, 0, 0)
            case _ if opcode == _READ:
                _, offset, size = struct.unpack_from("<QQI", body)
                return self._content(node)[offset : offset + size]
            case _ if opcode == _READDIR:
                _, offset, size = struct.unpack_from("<QQI", body)
                return self._entries(offset)[:size]
            case _ if opcode in (_RELEASE, _RELEASEDIR, _FLUSH):
                return b""
            case _:
                return _ENOSYS

    def _entries(self, offset: int) -> bytes:
        entries = b""
        for place, name in enumerate(list(self.files)[offset:], offset + 1):
            entry = struct.pack("<QQII", self._number(name), place, len(name), stat.S_IFREG >> 12)
            entries += (entry + name).ljust(-(-(24 + len(name)) // 8) * 8, b"\0")
        return entries

    def _number(self, name: bytes) -> int:
        return list(self.files).index(name) + _ROOT + 1

    def _content(self, node: int) -> bytes:
        return list(self.files.values())[node - _ROOT - 1]

    def _attributes(self, node: int) -> bytes:
        root = node == _ROOT
        mode = stat.S_IFDIR | 0o755 if root else stat.S_IFREG | 0o644
        size = 0 if root else len(self._content(node))
        when = 1_700_000_000
        return struct.pack(
            "<QQQQQQIIIIIIIIII",
            node, size, 1, when, when, when, 0, 0, 0, mode, 2 if root else 1, 0, 0, 0, 4096, 0,
        )  # fmt: skip


@contextmanager
def hanging(path: Path) -> Iterator[Hanging]:
    """Mount such a folder at a directory; skip the test where that is not possible."""
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        pytest.skip(f"NOT TESTED: no FUSE on this machine: {error}")
    options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()},allow_other"
    where = os.fsencode(path)
    if libc.mount(b"hanging", where, b"fuse", 6, options.encode()):  # no setuid, no devices
        os.close(device)
        why = os.strerror(ctypes.get_errno())
        pytest.skip(f"NOT TESTED: FUSE cannot be mounted on this machine: {why}")
    folder = Hanging(path, device)
    serving = threading.Thread(target=folder.serve, name="hanging", daemon=True)
    serving.start()
    try:
        yield folder
    finally:
        folder.recover()
        libc.umount2(where, 2)  # MNT_DETACH
        serving.join(5)
        os.close(device)
