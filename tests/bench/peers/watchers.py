"""watchfiles or watchdog alone: LIBRARY FOLDER; every file that it names, until SIGTERM.

Prints a line once it watches; at the end, how many names, and when the last new one came.
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


class Seen:
    """The pictures that were named."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.last = time.monotonic()

    def add(self, path: str) -> None:
        if path.endswith(".png") and path not in self.names:
            self.names.add(path)
            self.last = time.monotonic()


def by_watchfiles(folder: Path, seen: Seen, stop: threading.Event) -> None:
    from watchfiles import watch  # noqa: PLC0415  only one of the two is measured

    print("watching", flush=True)
    for changes in watch(folder, stop_event=stop, watch_filter=None, raise_interrupt=False):
        for _, path in changes:
            seen.add(path)


def by_watchdog(folder: Path, seen: Seen, stop: threading.Event) -> None:
    class Handler:
        def dispatch(self, event: Any) -> None:
            seen.add(str(event.src_path))

    observer = import_module("watchdog.observers").Observer()
    observer.schedule(Handler(), str(folder), recursive=True)
    observer.start()
    print("watching", flush=True)
    stop.wait()
    observer.stop()
    observer.join()


def main() -> None:
    seen, stop = Seen(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    ways = {"watchfiles": by_watchfiles, "watchdog": by_watchdog}
    ways[sys.argv[1]](Path(sys.argv[2]), seen, stop)
    print(json.dumps({"names": len(seen.names), "last": seen.last}))


if __name__ == "__main__":
    main()
