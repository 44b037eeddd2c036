"""The journal's native protocol: one datagram per record, with searchable fields.

Source: https://systemd.io/JOURNAL_NATIVE_PROTOCOL
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
from typing import TYPE_CHECKING, TextIO

from syncd.logs.forms import message, text_of
from syncd.logs.record import Record

if TYPE_CHECKING:
    from syncd.logs.queue import Write

SOCKET = "/run/systemd/journal/socket"

PRIORITIES = {"critical": 2, "error": 3, "warning": 4, "notice": 5, "info": 6, "debug": 7}
"""Priorities of syslog(3), by level."""

_OURS = frozenset({"SYNCD_EVENT", "SYNCD_TIMESTAMP"})
_LONGEST_NAME = 64  # journald drops a field whose name is longer
_NOT_IN_NAMES = re.compile("[^A-Z0-9_]")
_MESSAGE = b"MESSAGE="
_PRIORITY = b"\nPRIORITY="
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL


def is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Return whether the stream is connected to the journal (systemd.exec(5))."""
    expected = environ.get("JOURNAL_STREAM")
    if not expected:
        return False
    with suppress(OSError, ValueError):  # in memory, or closed
        status = os.fstat(stream.fileno())
        return expected == f"{status.st_dev}:{status.st_ino}"
    return False


def entry(record: Record) -> bytes:
    """Return a record as a journal entry; a field with a newline is preceded by its length."""
    head = (
        f"MESSAGE={message(record)}\nPRIORITY={PRIORITIES[record.level]}\n"
        f"SYSLOG_IDENTIFIER=syncd\nSYNCD_TIMESTAMP={record.timestamp}\n"
    )
    fields = [_field(_name(name), text_of(value)) for name, value in record.fields.items()]
    return b"".join((head.encode(), _field("SYNCD_EVENT", record.event), *fields))


def prefixed(level: str, line: str) -> str:
    """Return a line with the priority prefix of sd-daemon(3), which journald removes."""
    return f"<{PRIORITIES[level]}>{line}"


def journal_writer(fallback: Write, address: str = SOCKET) -> Write:
    """Return a function that sends entries to the journal, or lines to `fallback` if that fails."""

    def write(entries: Sequence[bytes]) -> None:
        # One socket per batch: it is cheap, and a reload has nothing to close.
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            for one in entries:
                try:
                    _send(sender, one, address)
                except OSError:
                    fallback([_line(one)])

    return write


def _field(name: str, value: str) -> bytes:
    content = value.encode()
    if "\n" not in value:
        return b"%s=%s\n" % (name.encode(), content)
    return b"%s\n%s%s\n" % (name.encode(), len(content).to_bytes(8, "little"), content)


@lru_cache
def _name(field: str) -> str:
    name = ("SYNCD_" + _NOT_IN_NAMES.sub("_", field.upper()))[:_LONGEST_NAME]
    return f"{name}_" if name in _OURS else name


def _send(sender: socket.socket, one: bytes, address: str) -> None:
    try:
        sender.sendto(one, address)
    except OSError as error:
        if error.errno not in (errno.EMSGSIZE, errno.ENOBUFS):
            raise
        _send_as_file(sender, one, address)


def _send_as_file(sender: socket.socket, one: bytes, address: str) -> None:
    """Send an entry that is too large for a datagram as a sealed file in memory."""
    descriptor = os.memfd_create("syncd-log", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with open(descriptor, "wb", buffering=0) as file:
        rest = memoryview(one)
        while rest:
            rest = rest[file.write(rest) :]
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
        rights = array.array("i", [descriptor])
        sender.sendmsg([], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)], 0, address)


def _line(one: bytes) -> bytes:
    """Return an entry's message, which has no newline, as a line with its priority."""
    text, _, rest = one.partition(_PRIORITY)
    return b"<%s>%s\n" % (rest[:1], text.removeprefix(_MESSAGE))
