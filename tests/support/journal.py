"""A replacement of journald: a socket that receives entries, and a parser of its protocol."""

import array
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

Fields = list[tuple[str, str]]

SEALED = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def fields_of(entry: bytes) -> Fields:
    """Parse an entry like journald: `NAME=value`, or a name, eight bytes of length, and a value."""
    fields: Fields = []
    while entry:
        line, end, rest = entry.partition(b"\n")
        assert end, "every field ends with a newline"
        name, equals, value = line.partition(b"=")
        if not equals:
            length = int.from_bytes(rest[:8], "little")
            value, entry = rest[8 : 8 + length], rest[8 + length :]
            assert len(value) == length
            assert entry[:1] == b"\n"
            entry = entry[1:]
        else:
            entry = rest
        fields.append((name.decode("ascii"), value.decode("utf-8")))
    return fields


class Journal:
    """A socket that receives each entry as a datagram or, if it is too large, as a sealed file."""

    def __init__(self, receiver: socket.socket, address: str) -> None:
        self._receiver = receiver
        self.address = address
        self.files = 0

    def entry(self) -> bytes:
        """Return the next entry; raise TimeoutError if none arrives within 5 s."""
        self._receiver.settimeout(5)
        data, controls, _, _ = self._receiver.recvmsg(1 << 20, socket.CMSG_SPACE(4))
        if not controls:
            return data
        assert not data, "journald accepts a file only with an empty datagram"
        ((_, _, rights),) = controls
        (descriptor,) = array.array("i", rights)
        with open(descriptor, "rb") as file:
            assert fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & SEALED == SEALED
            self.files += 1
            return os.pread(descriptor, os.fstat(file.fileno()).st_size, 0)


@contextmanager
def journal(directory: Path) -> Iterator[Journal]:
    """Listen on a socket in the directory."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        address = str(directory / "journal")
        receiver.bind(address)
        yield Journal(receiver, address)
