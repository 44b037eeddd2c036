"""A scout: a process that tells of directories that they are just as the ledger has them.

It answers a list of paths with a list of records: `100/sub/other`, the number of images and the
names of the directories below; or nothing, for a directory that is worth a look. It ends when its
input does, so it does not outlive the process that asks.
"""

from __future__ import annotations

import os
import sys
from contextlib import closing

from syncd.folders.patterns import Patterns
from syncd.folders.safe_open import Way
from syncd.folders.scanning.diff import Comparison
from syncd.folders.scanning.frames import receive, send
from syncd.ledger.reader import connect


def arguments(ledger: str, folder_id: int, root: bytes, patterns: Patterns) -> list[str]:
    """Return the arguments with which `main` is run."""
    where = [ledger, str(folder_id), os.fsdecode(root)]
    return [*where, str(len(patterns.include)), *patterns.include, *patterns.exclude]


def main() -> None:
    """Answer until the input ends."""
    ledger, folder_id, root, number, *lists = sys.argv[1:]
    include, exclude = lists[: int(number)], lists[int(number) :]
    with closing(connect(ledger)) as db, Way(os.fsencode(root)) as way:
        comparison = Comparison(db, int(folder_id), way, Patterns(include, exclude))
        while (paths := receive(sys.stdin.buffer)) is not None:
            send(sys.stdout.buffer, [_record(comparison, path) for path in paths])


def _record(comparison: Comparison, path: bytes) -> bytes:
    seen = 0
    names: list[bytes] = []
    for part in comparison.parts(path):
        if part.found or part.missed or part.troubles:
            return b""
        seen += part.seen
        names += [below.rpartition(b"/")[2] for below in part.below]
    return b"/".join([b"%d" % seen, *names])
