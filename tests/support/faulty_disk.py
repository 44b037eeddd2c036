"""A file system in memory whose operations fail or hang on demand, as those of a bad disk do.

It speaks as much of the kernel's FUSE protocol (linux/fuse.h) as folders, a ledger and output files
need. System calls in it really fail or block: watch such a folder in another process only, because
the library that does so keeps Python's lock (GIL) meanwhile, which this file system needs, too.
"""

import ctypes
import os
import stat
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import IntEnum
from errno import EEXIST, EINTR, ENOENT, ENOSYS, ENOTEMPTY
from pathlib import Path

import pytest


class Op(IntEnum):
    """The operations of the protocol that this file system knows."""

    LOOKUP = 1
    FORGET = 2
    GETATTR = 3
    SETATTR = 4
    MKDIR = 9
    UNLINK = 10
    RMDIR = 11
    RENAME = 12
    OPEN = 14
    READ = 15
    WRITE = 16
    STATFS = 17
    RELEASE = 18
    FSYNC = 20
    FLUSH = 25
    INIT = 26
    OPENDIR = 27
    READDIR = 28
    RELEASEDIR = 29
    FSYNCDIR = 30
    CREATE = 35
    INTERRUPT = 36
    BATCH_FORGET = 42
    RENAME2 = 45


ALWAYS = {Op.INIT, Op.FORGET, Op.BATCH_FORGET, Op.INTERRUPT}
"""Operations that neither fail nor hang."""

EVERYTHING = frozenset(Op) - ALWAYS
ATTRIBUTES = frozenset({Op.LOOKUP, Op.GETATTR})
WRITES = frozenset(
    {Op.WRITE, Op.CREATE, Op.MKDIR, Op.UNLINK, Op.RMDIR, Op.RENAME, Op.RENAME2, Op.SETATTR}
)
SYNCS = frozenset({Op.FSYNC, Op.FSYNCDIR})

_NO_RESPONSE = {Op.FORGET, Op.BATCH_FORGET}
_HEAD = struct.Struct("<IIQQIIIHH")  # length, opcode, unique, node, uid, gid, pid, extensions, pad
_BUFFER = 2**18
_ROOT = 1


@dataclass
class _Node:
    """A file or a directory."""

    number: int
    content: bytearray = field(default_factory=bytearray)
    entries: dict[bytes, "_Node"] | None = None
    mode: int = 0o644
    changed: int = field(default_factory=time.time_ns)

    def attributes(self) -> bytes:
        seconds, part = divmod(self.changed, 10**9)
        kind = stat.S_IFREG if self.entries is None else stat.S_IFDIR
        size = len(self.content)
        return struct.pack(
            "<QQQQQQIIIIIIIIII",
            *(self.number, size, -(-size // 512), seconds, seconds, seconds, part, part, part),
            *(kind | self.mode, 1, os.getuid(), os.getgid(), 0, 4096, 0),
        )

    def found(self) -> bytes:
        """Return the response to a lookup; the kernel must not keep it."""
        return struct.pack("<QQQQII", self.number, 1, 0, 0, 0, 0) + self.attributes()


@dataclass
class FaultyDisk:
    """A mounted file system; files are written through `path` as on any other disk."""

    path: Path
    device: int
    _faults: dict[int, int | None] = field(default_factory=dict)
    """Operations that fail with an error number, or hang (None)."""
    _only: Callable[[bytes], bool] = lambda _: True
    _nodes: dict[int, _Node] = field(
        default_factory=lambda: {_ROOT: _Node(_ROOT, entries={}, mode=0o755)}
    )
    _last: int = _ROOT
    _waiting: list[bytes] = field(default_factory=list)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def waiting(self) -> int:
        """The number of requests without a response."""
        return len(self._waiting)

    def fail(self, error: int, operations: frozenset[Op] = EVERYTHING) -> None:
        """Fail in these operations with an error number."""
        self._faults |= dict.fromkeys(operations, error)

    def hang(self, operations: frozenset[Op] = EVERYTHING) -> None:
        """Hang in these operations."""
        self._faults |= dict.fromkeys(operations)

    def recover(self) -> None:
        """Work again, and respond to the requests that wait."""
        with self._turn:
            self._faults = {}
            waiting, self._waiting = self._waiting, []
        for request in waiting:
            self._handle(request)

    def serve(self) -> None:
        """Respond to requests until the file system is unmounted."""
        with suppress(OSError):  # ENODEV: it was unmounted
            while True:
                self._handle(os.read(self.device, _BUFFER))

    def _handle(self, request: bytes) -> None:
        _, opcode, unique, number, *_ = _HEAD.unpack_from(request)
        body = request[_HEAD.size :]
        fault = None
        with self._turn:
            if opcode in self._faults:
                fault = self._faults[opcode]
                if fault is None:
                    self._waiting.append(request)
                    return
        if opcode == Op.INTERRUPT:
            self._interrupt(*struct.unpack_from("<Q", body))
        elif opcode not in _NO_RESPONSE:
            self._respond(unique, fault or self._response(opcode, number, body))

    def _interrupt(self, unique: int) -> None:
        """End the request of a process that was killed, as a file server's client does."""
        with self._turn:
            before = len(self._waiting)
            self._waiting = [one for one in self._waiting if _HEAD.unpack_from(one)[2] != unique]
            held = len(self._waiting) < before
        if held:
            self._respond(unique, EINTR)

    def _respond(self, unique: int, response: bytes | int) -> None:
        error, content = (-response, b"") if isinstance(response, int) else (0, response)
        with suppress(FileNotFoundError):  # the request has ended
            os.write(self.device, struct.pack("<IiQ", 16 + len(content), error, unique) + content)

    def _response(self, opcode: int, number: int, body: bytes) -> bytes | int:
        node = self._nodes.get(number, self._nodes[_ROOT])  # the initialisation names none
        match opcode:
            case Op.INIT:
                return struct.pack("<IIIIHHII8I", 7, 31, 2**17, 0, 12, 9, 2**17, 1, *[0] * 8)
            case Op.GETATTR:
                return struct.pack("<QII", 0, 0, 0) + node.attributes()
            case Op.SETATTR:
                return self._set(node, body)
            case Op.OPEN | Op.OPENDIR:
                return struct.pack("<QII", 0, 0, 0)
            case Op.READ:
                _, offset, size = struct.unpack_from("<QQI", body)
                return bytes(node.content[offset : offset + size])
            case Op.WRITE:
                return _write(node, body)
            case Op.STATFS:
                return struct.pack(
                    "<QQQQQIIII6I", 2**20, 2**19, 2**19, 99, 99, 4096, 255, 4096, 0, *[0] * 6
                )
            case Op.RELEASE | Op.RELEASEDIR | Op.FLUSH | Op.FSYNC | Op.FSYNCDIR:
                return b""
            case _ if node.entries is None:
                return ENOSYS
            case _:
                return self._in_directory(opcode, node.entries, body)

    def _in_directory(self, opcode: int, entries: dict[bytes, _Node], body: bytes) -> bytes | int:
        match opcode:
            case Op.LOOKUP:
                name = body.rstrip(b"\0")
                return entries[name].found() if name in entries else ENOENT
            case Op.READDIR:
                _, offset, size = struct.unpack_from("<QQI", body)
                return _listed(entries, offset)[:size]
            case Op.CREATE:
                name = body[16:].rstrip(b"\0")
                return self._new(entries, name, None).found() + struct.pack("<QII", 0, 0, 0)
            case Op.MKDIR:
                name = body[8:].rstrip(b"\0")
                return EEXIST if name in entries else self._new(entries, name, {}).found()
            case Op.UNLINK | Op.RMDIR:
                name = body.rstrip(b"\0")
                if name not in entries:
                    return ENOENT
                if entries[name].entries:
                    return ENOTEMPTY
                del entries[name]
                return b""
            case Op.RENAME | Op.RENAME2:
                (target,) = struct.unpack_from("<Q", body)
                old, new, _ = body[8 if opcode == Op.RENAME else 16 :].split(b"\0")
                if old not in entries:
                    return ENOENT
                into = self._nodes[target].entries
                assert into is not None
                into[new] = entries.pop(old)
                return b""
            case _:
                return ENOSYS

    def _new(
        self, entries: dict[bytes, _Node], name: bytes, inside: dict[bytes, _Node] | None
    ) -> _Node:
        self._last += 1
        node = _Node(self._last, entries=inside, mode=0o644 if inside is None else 0o755)
        self._nodes[self._last] = entries[name] = node
        return node

    def _set(self, node: _Node, body: bytes) -> bytes:
        valid, _, _, size = struct.unpack_from("<IIQQ", body)
        if valid & 1 << 3:
            del node.content[size:]
            node.content.extend(bytes(size - len(node.content)))
        if valid & 1 << 0:
            (mode,) = struct.unpack_from("<I", body, 68)
            node.mode = stat.S_IMODE(mode)
        node.changed = time.time_ns()
        return struct.pack("<QII", 0, 0, 0) + node.attributes()


def _write(node: _Node, body: bytes) -> bytes:
    _, offset, size = struct.unpack_from("<QQI", body)
    node.content.extend(bytes(max(0, offset - len(node.content))))
    node.content[offset : offset + size] = body[40 : 40 + size]
    node.changed = time.time_ns()
    return struct.pack("<II", size, 0)


def _listed(entries: dict[bytes, _Node], offset: int) -> bytes:
    listed = b""
    for place, (name, node) in enumerate(list(entries.items())[offset:], offset + 1):
        kind = (stat.S_IFREG if node.entries is None else stat.S_IFDIR) >> 12
        entry = struct.pack("<QQII", node.number, place, len(name), kind) + name
        listed += entry.ljust(-(-len(entry) // 8) * 8, b"\0")
    return listed


@contextmanager
def faulty_disk(path: Path) -> Iterator[FaultyDisk]:
    """Mount such a file system at a directory; skip the test where that is not possible."""
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        pytest.skip(f"NOT TESTED: no FUSE on this machine: {error}")
    options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()},allow_other"
    where = os.fsencode(path)
    if libc.mount(b"faulty", where, b"fuse", 6, options.encode()):  # no setuid, no devices
        os.close(device)
        why = os.strerror(ctypes.get_errno())
        pytest.skip(f"NOT TESTED: FUSE cannot be mounted on this machine: {why}")
    disk = FaultyDisk(path, device)
    serving = threading.Thread(target=disk.serve, name="faulty disk", daemon=True)
    serving.start()
    try:
        yield disk
    finally:
        disk.recover()
        libc.umount2(where, 2)  # MNT_DETACH
        serving.join(5)
        os.close(device)
