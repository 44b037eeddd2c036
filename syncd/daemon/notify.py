"""What the service manager is told: sd_notify(3), as much of it as a daemon needs."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from syncd.logs.value import plain_text


@dataclass(frozen=True, slots=True)
class Notifier:
    """Tells the service manager how things stand; where there is none, nobody.

    Nothing that it does raises or blocks: a manager that does not listen misses what is said.
    """

    address: str | None
    watchdog: float | None = None
    """Seconds within which the manager wants to hear `WATCHDOG=1` again."""

    def tell(self, *lines: str) -> None:
        """Send `NAME=value` lines as one message; what would begin a new line in one is a blank."""
        if self.address is None:
            return
        message = "\n".join(" ".join(line.splitlines()) for line in lines)
        # AF_UNIX: an abstract name begins with NUL, which a variable cannot hold.
        name = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        with (
            suppress(OSError),  # gone, full
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sending,
        ):
            sending.setblocking(False)
            sending.sendto(message.encode("utf-8", "backslashreplace"), os.fsencode(name))

    def reloading(self) -> None:
        """A new configuration is taken up; `READY=1` ends that."""
        self.tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def extend(self, seconds: float) -> None:
        """Starting or stopping goes on: it may take so many seconds more."""
        self.tell(f"EXTEND_TIMEOUT_USEC={round(seconds * 1e6)}")


NOBODY = Notifier(None)


def notifier(environ: Mapping[str, str]) -> Notifier:
    """Return what tells the manager that started this process, if one did that wants to know."""
    address = environ.get("NOTIFY_SOCKET", "")
    wanted = environ.get("WATCHDOG_USEC", "")
    ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return Notifier(
        address if address[:1] in ("/", "@") else None,  # else vsock, of a virtual machine's host
        int(wanted) / 1e6 if wanted.isdecimal() and int(wanted) and ours else None,
    )


class Status:
    """What `systemctl status` says of the daemon."""

    def __init__(self, manager: Notifier) -> None:
        self._manager = manager
        self._told = ""

    def tell(self, sentence: str, *lines: str) -> None:
        """Show a sentence without any secret, and say other lines in the same message."""
        shown = plain_text(sentence)
        if lines or shown != self._told:
            self._told = shown
            self._manager.tell(*lines, f"STATUS={shown}")
