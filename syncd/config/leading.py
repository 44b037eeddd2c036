"""Where paths really lead; of one whose disk does not answer, nothing is known."""

import os
import threading
import time
from collections.abc import Iterable, Mapping

PATIENCE = 3.0  # seconds for all of them: a hung file server must not hold up the others' start


def where_they_lead(paths: Iterable[str]) -> Mapping[str, str]:
    """Return each path with every link followed, as far as its disk answers in time.

    What does not exist is left as it is written.
    """
    found: dict[str, str] = {}

    def follow(path: str) -> None:
        found[path] = os.path.realpath(path)

    every = set(paths)
    threads = [threading.Thread(target=follow, args=(path,), daemon=True) for path in every]
    for thread in threads:
        thread.start()
    until = time.monotonic() + PATIENCE
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return {path: found.get(path, path) for path in every}
