"""The notification socket of a service manager, and the messages that a daemon sent to it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Manager:
    """The messages that systemd would have received so far, each a list of lines."""

    socket: socket.socket
    address: str
    messages: list[list[str]] = field(default_factory=list)

    def count(self, beginning: str) -> int:
        """Return how many lines begin like this."""
        return sum(line.startswith(beginning) for line in self._lines())

    def statuses(self) -> list[str]:
        """Return every STATUS= so far."""
        lines = [line for line in self._lines() if line.startswith("STATUS=")]
        return [line.removeprefix("STATUS=") for line in lines]

    def states(self) -> list[str]:
        """Return READY, RELOADING and STOPPING in the order of their messages."""
        names = [line.split("=")[0] for line in self._lines()]
        return [name for name in names if name in ("READY", "RELOADING", "STOPPING")]

    def _lines(self) -> list[str]:
        with suppress(BlockingIOError):
            while True:
                self.messages.append(self.socket.recv(65536).decode().split("\n"))
        return [line for message in self.messages for line in message]


@contextmanager
def service_manager(path: Path) -> Iterator[Manager]:
    """Listen at path as a service manager does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        listening.setblocking(False)
        yield Manager(listening, str(path))
