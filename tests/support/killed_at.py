"""Run a module in this process, and kill the process at its n-th step.

python killed_at.py FILE N PYTHON -m MODULE WORD …

A step is the moment before or after a send or a receive of a TCP socket that has an effect, or a
COMMIT of SQLite. Each step is a line of FILE, written before the process goes on; N = 0 kills at
none.
"""

import functools
import os
import runpy
import signal
import socket
import sqlite3
import sys
import threading
from collections.abc import Callable
from typing import Any

Call = Callable[..., Any]


class Steps:
    """The steps of this process, numbered from 1."""

    def __init__(self, file: str, last: int) -> None:
        self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)
        self._last = last
        self._number = 0
        self._lock = threading.Lock()
        self._process = os.getpid()

    def reach(self, name: str) -> None:
        """Write down a step; the last one is the end of the process."""
        if os.getpid() != self._process:  # a child
            return
        with self._lock:
            self._number += 1
            os.write(self._descriptor, f"{name}\n".encode())
            if self._number == self._last:
                os.kill(self._process, signal.SIGKILL)
                signal.pause()


def _is_remote(connection: socket.socket) -> bool:
    return connection.family in (socket.AF_INET, socket.AF_INET6)


def _first_words(data: Any) -> str:
    """Return what a request begins with; nothing for the rest of its body."""
    first = bytes(data[0] if isinstance(data, list | tuple) else data)[:50]
    line = first.split(b" HTTP/1.1")[0]
    return f": {line.decode()}" if line != first and line.isascii() else ""


def socket_methods(steps: Steps) -> dict[str, Call]:
    """Return the methods of sockets with the steps of sends and receives."""

    def sending(send: Call) -> Call:
        def wrapped(self: socket.socket, *args: Any) -> Any:
            if not _is_remote(self):
                return send(self, *args)
            what = _first_words(args[0])
            steps.reach(f"before a send{what}")
            sent = send(self, *args)
            steps.reach(f"after a send{what}")
            return sent

        return wrapped

    def receiving(receive: Call) -> Call:
        def wrapped(self: socket.socket, *args: Any) -> Any:
            if not _is_remote(self):
                return receive(self, *args)
            steps.reach("before a receive")
            received = receive(self, *args)
            steps.reach("after a receive")
            return received

        return wrapped

    return {
        "send": sending(socket.socket.send),
        "sendmsg": sending(socket.socket.sendmsg),
        "recv": receiving(socket.socket.recv),
        "recv_into": receiving(socket.socket.recv_into),
    }


def connect(steps: Steps) -> Call:
    """Return `sqlite3.connect` with the steps of commits."""

    class Connection(sqlite3.Connection):
        def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
            if sql.strip() != "COMMIT":
                return super().execute(sql, *args)
            steps.reach("before a commit")
            cursor = super().execute(sql, *args)
            steps.reach("after a commit")
            return cursor

    return functools.partial(sqlite3.connect, factory=Connection)


def main() -> None:
    """Install the steps, and run the module."""
    _, file, last, _, _, module, *words = sys.argv
    steps = Steps(file, int(last))
    patches = [(socket.socket, name, method) for name, method in socket_methods(steps).items()]
    for owner, name, replacement in [*patches, (sqlite3, "connect", connect(steps))]:
        setattr(owner, name, replacement)
    sys.path[0] = os.getcwd()  # as `python -m` does
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
