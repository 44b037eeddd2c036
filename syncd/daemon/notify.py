"""Notifications to the service manager: the part of sd_notify(3) that a daemon needs."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from syncd.logs.value import plain_text
from syncd.model import printable


@dataclass(frozen=True, slots=True)
class Notifier:
    """A sender of notifications; without an address it sends nothing.

    No method raises or blocks: a message that the manager does not receive is lost.
    """

    address: str | None
    watchdog: float | None = None
    """Seconds within which the manager expects the next `WATCHDOG=1`."""

    def send(self, *lines: str) -> None:
        """Send `NAME=value` lines as one message; a line break in a value becomes a space."""
        if self.address is None:
            return
        message = "\n".join(printable(" ".join(line.splitlines())) for line in lines)
        # AF_UNIX: an abstract name begins with NUL, which a variable cannot contain.
        name = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        with (
            suppress(OSError),  # the socket is gone, or its queue is full
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sending,
        ):
            sending.setblocking(False)
            sending.sendto(message.encode(), os.fsencode(name))

    def send_reloading(self) -> None:
        """Send that a reload begins; the next `READY=1` ends it."""
        self.send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def extend_timeout(self, seconds: float) -> None:
        """Ask the manager to wait `seconds` more for the start or the stop."""
        self.send(f"EXTEND_TIMEOUT_USEC={round(seconds * 1e6)}")


NO_MANAGER = Notifier(None)


def notifier(environ: Mapping[str, str]) -> Notifier:
    """Return the notifier of the manager that started this process."""
    address = environ.get("NOTIFY_SOCKET", "")
    usec = environ.get("WATCHDOG_USEC", "")
    is_ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return Notifier(
        address if address[:1] in ("/", "@") else None,  # else vsock, of a virtual machine's host
        int(usec) / 1e6 if usec.isdecimal() and int(usec) and is_ours else None,
    )


class Status:
    """The sentence in `systemctl status`, which is sent only when it has changed."""

    def __init__(self, manager: Notifier) -> None:
        self._manager = manager
        self._shown = ""

    def show(self, sentence: str, *lines: str) -> None:
        """Show a sentence without secrets; `lines` are always sent, in the same message."""
        shown = plain_text(sentence)
        if lines or shown != self._shown:
            self._shown = shown
            self._manager.send(*lines, f"STATUS={shown}")
