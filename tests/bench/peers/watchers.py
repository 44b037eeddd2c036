"""watchfiles or watchdog without syncd: the files that it reports until SIGTERM.

Usage: watchers LIBRARY FOLDER. It prints a line once it watches, and at the end the number of files
and the time of the last new one.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from importlib import import_module
from pathlib import Path
from typing import Any


class Reported:
    """The pictures that the library reported."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.last = time.monotonic()

    def add(self, path: str) -> None:
        if path.endswith(".png") and path not in self.names:
            self.names.add(path)
            self.last = time.monotonic()


def by_watchfiles(folder: Path, reported: Reported, stop: threading.Event) -> None:
    from watchfiles import watch  # noqa: PLC0415  each process measures one of the two

    print("watching", flush=True)
    for changes in watch(folder, stop_event=stop, watch_filter=None, raise_interrupt=False):
        for _, path in changes:
            reported.add(path)


def by_watchdog(folder: Path, reported: Reported, stop: threading.Event) -> None:
    class Handler:
        def dispatch(self, event: Any) -> None:
            reported.add(str(event.src_path))

    observer = import_module("watchdog.observers").Observer()
    observer.schedule(Handler(), str(folder), recursive=True)
    observer.start()
    print("watching", flush=True)
    stop.wait()
    observer.stop()
    observer.join()


def main() -> None:
    reported, stop = Reported(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    libraries = {"watchfiles": by_watchfiles, "watchdog": by_watchdog}
    libraries[sys.argv[1]](Path(sys.argv[2]), reported, stop)
    print(json.dumps({"names": len(reported.names), "last": reported.last}))


if __name__ == "__main__":
    main()
