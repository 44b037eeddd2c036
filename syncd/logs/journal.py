"""The journal's own protocol: a record is one datagram, with its fields to search by.

https://systemd.io/JOURNAL_NATIVE_PROTOCOL
"""

from __future__ import annotations

import array
import errno
import fcntl
import os
import re
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import TextIO

from syncd.logs.forms import message, text_of
from syncd.logs.queue import Write
from syncd.logs.record import Record

SOCKET = "/run/systemd/journal/socket"

PRIORITIES = {"critical": 2, "error": 3, "warning": 4, "notice": 5, "info": 6, "debug": 7}
"""As syslog(3) numbers them."""

_OURS = frozenset({"SYNCD_EVENT", "SYNCD_TIMESTAMP"})
_LONGEST_NAME = 64  # journald drops a field whose name is longer
_NO_NAME = re.compile("[^A-Z0-9_]")
_MESSAGE = b"MESSAGE="
_PRIORITY = b"\nPRIORITY="
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL


def is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Tell whether what is written to the stream goes to the journal (systemd.exec(5))."""
    named = environ.get("JOURNAL_STREAM")
    if not named:
        return False
    with suppress(OSError, ValueError):  # no file, closed
        status = os.fstat(stream.fileno())
        return named == f"{status.st_dev}:{status.st_ino}"
    return False


def entry(record: Record) -> bytes:
    """Return a record as the journal takes it; a field with a newline carries its length."""
    head = (
        f"MESSAGE={message(record)}\nPRIORITY={PRIORITIES[record.level]}\n"
        f"SYSLOG_IDENTIFIER=syncd\nSYNCD_TIMESTAMP={record.timestamp}\n"
    )
    fields = [_field(_name(name), text_of(value)) for name, value in record.fields.items()]
    return b"".join((head.encode(), _field("SYNCD_EVENT", record.event), *fields))


def prefixed(level: str, line: str) -> str:
    """Return a line with its priority before it, as sd-daemon(3) has it; one line, one entry."""
    return f"<{PRIORITIES[level]}>{line}"


def journal_writer(instead: Write, address: str = SOCKET) -> Write:
    """Return what sends entries to the journal; where it is not to be had, lines go `instead`."""

    def write(entries: Sequence[bytes]) -> None:
        # One for all that is written together: little to pay, and nothing that a reload must close.
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sending:
            for one in entries:
                try:
                    _send(sending, one, address)
                except OSError:
                    instead([_line(one)])

    return write


def _field(name: str, value: str) -> bytes:
    content = value.encode()
    if "\n" not in value:
        return b"%s=%s\n" % (name.encode(), content)
    return b"%s\n%s%s\n" % (name.encode(), len(content).to_bytes(8, "little"), content)


@lru_cache
def _name(field: str) -> str:
    name = ("SYNCD_" + _NO_NAME.sub("_", field.upper()))[:_LONGEST_NAME]
    return f"{name}_" if name in _OURS else name


def _send(sending: socket.socket, one: bytes, address: str) -> None:
    try:
        sending.sendto(one, address)
    except OSError as error:
        if error.errno not in (errno.EMSGSIZE, errno.ENOBUFS):
            raise
        _send_as_file(sending, one, address)


def _send_as_file(sending: socket.socket, one: bytes, address: str) -> None:
    """Send what is too big for a datagram in memory of its own, which nobody can change."""
    descriptor = os.memfd_create("syncd-log", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with open(descriptor, "wb", buffering=0) as file:
        rest = memoryview(one)
        while rest:
            rest = rest[file.write(rest) :]
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
        rights = array.array("i", [descriptor])
        sending.sendmsg([], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)], 0, address)


def _line(one: bytes) -> bytes:
    """Return an entry's message as a line with its priority: its message has no newline."""
    said, _, rest = one.partition(_PRIORITY)
    return b"<%s>%s\n" % (rest[:1], said.removeprefix(_MESSAGE))
