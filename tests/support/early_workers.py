"""A process that forks scan workers when it starts, as `syncd run` does, and then walks a folder.

Usage: early_workers LEDGER ROOT FOLDER_ID. It prints the pids of its children, and after a line of
input those that any part of the walk saw, and the number of files.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from support.scene import tree_of

from syncd.folders.scanning.scan import Stretch, Walk
from syncd.folders.scanning.scan_pool import fork_early
from syncd.folders.watching.targets import EVERYWHERE


def is_alive(pid: int) -> bool:
    """Return whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def children() -> set[int]:
    """Return the children of this process, which has one thread, that run."""
    found = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return set(filter(is_alive, map(int, found)))


def main() -> None:
    ledger, root, folder_id = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    fork_early(ledger)
    print(*children(), flush=True)
    sys.stdin.readline()
    walk, whole, seen = Walk(ledger, tree_of(root, folder_id), [EVERYWHERE]), Stretch(), set[int]()
    while (stretch := walk.stretch(lambda: seen.update(children()))) is not None:
        whole.seen += stretch.seen
    print(*seen, flush=True)
    print(whole.seen, len(children()), flush=True)


if __name__ == "__main__":
    main()
