"""A file system that hangs when it is told to, as a file server does that answers no more.

It speaks the kernel's FUSE protocol itself (linux/fuse.h), as far as a folder of images needs: the
system calls of whoever reads there really block.
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
_UNANSWERED = {_FORGET, _BATCH_FORGET, _INTERRUPT}
_ENOENT, _EINTR, _ENOSYS = 2, 4, 38
_ROOT = 1
_HEAD = struct.Struct("<IIQQIIIHH")  # length, opcode, unique, node, uid, gid, pid, extensions, pad
_BUFFER = 2**18


@dataclass
class Hanging:
    """A folder with files in one directory, by their names; `hang` takes it away and `recover`
    brings it back."""

    path: Path
    device: int
    files: dict[bytes, bytes] = field(default_factory=dict)
    _hangs: Callable[[int], bool] = lambda _: False
    _asked: list[bytes] = field(default_factory=list)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def asked_in_vain(self) -> int:
        """How many questions wait for an answer."""
        return len(self._asked)

    def hang(self) -> None:
        """Answer nothing any more."""
        self._hangs = lambda opcode: opcode not in _UNANSWERED

    def hang_but_for_attributes(self) -> None:
        """Answer what a cache might know, and nothing else."""
        known = (*_UNANSWERED, _LOOKUP, _GETATTR)
        self._hangs = lambda opcode: opcode not in known

    def hang_in_reading(self) -> None:
        """Answer everything but what is in a file."""
        self._hangs = lambda opcode: opcode == _READ

    def recover(self) -> None:
        """Answer again, also what was asked meanwhile."""
        with self._turn:
            self._hangs = lambda _: False
            asked, self._asked = self._asked, []
        for request in asked:
            self._take(request)

    def serve(self) -> None:
        """Answer until the file system is unmounted."""
        with suppress(OSError):  # ENODEV: it was
            while True:
                self._take(os.read(self.device, _BUFFER))

    def _take(self, request: bytes) -> None:
        _, opcode, unique, node, *_ = _HEAD.unpack_from(request)
        with self._turn:
            if self._hangs(opcode):
                self._asked.append(request)
                return
        if opcode == _INTERRUPT:
            self._interrupt(*struct.unpack_from("<Q", request, _HEAD.size))
        if opcode in _UNANSWERED:
            return
        body = request[_HEAD.size :]
        self._say(unique, self._answer(opcode, node, body))

    def _interrupt(self, unique: int) -> None:
        """Let a process that was killed go, as a file server's client does."""
        with self._turn:
            before = len(self._asked)
            self._asked = [one for one in self._asked if _HEAD.unpack_from(one)[2] != unique]
            held = len(self._asked) < before
        if held:
            self._say(unique, _EINTR)

    def _say(self, unique: int, answer: bytes | int) -> None:
        error, content = (-answer, b"") if isinstance(answer, int) else (0, answer)
        with suppress(FileNotFoundError):  # nobody waits for it any more
            os.write(self.device, struct.pack("<IiQ", 16 + len(content), error, unique) + content)

    def _answer(self, opcode: int, node: int, body: bytes) -> bytes | int:
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
    """Mount one at a directory; skips the test where this machine does not let us."""
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        pytest.skip(f"NOT TESTED: there is no FUSE here: {error}")
    options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()},allow_other"
    where = os.fsencode(path)
    if libc.mount(b"hanging", where, b"fuse", 6, options.encode()):  # no setuid, no devices
        os.close(device)
        why = os.strerror(ctypes.get_errno())
        pytest.skip(f"NOT TESTED: this machine lets us mount no FUSE: {why}")
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
