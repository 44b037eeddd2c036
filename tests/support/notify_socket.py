"""A service manager's socket, and what a daemon has told it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Manager:
    """What systemd would have heard so far, a message at a time."""

    heard: socket.socket
    address: str
    messages: list[list[str]] = field(default_factory=list)

    def told(self, line: str) -> int:
        """Return how often a line was told that begins like this."""
        self._listen()
        return sum(one.startswith(line) for message in self.messages for one in message)

    def statuses(self) -> list[str]:
        """Return every STATUS= so far."""
        self._listen()
        lines = (line for message in self.messages for line in message)
        return [line.removeprefix("STATUS=") for line in lines if line.startswith("STATUS=")]

    def order(self) -> list[str]:
        """Return the names of READY, RELOADING and STOPPING as they came."""
        self._listen()
        names = (line.split("=")[0] for message in self.messages for line in message)
        return [name for name in names if name in ("READY", "RELOADING", "STOPPING")]

    def _listen(self) -> None:
        with suppress(BlockingIOError):
            while True:
                self.messages.append(self.heard.recv(65536).decode().split("\n"))


@contextmanager
def service_manager(path: Path) -> Iterator[Manager]:
    """Listen at path as a service manager does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(path))
        heard.setblocking(False)
        yield Manager(heard, str(path))
