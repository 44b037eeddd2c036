"""The process of a scan worker, which finds the directories that are as the ledger has them.

Its first list names the folder, and each other one contains paths. It answers them with a list of
records: `100/.webp=2 hidden=1/sub/other`, the number of images, the files that are skipped by
reason, and the names of the sub-directories, or an empty record for a directory with differences.
Lists are sent over pipes; no path contains a NUL, which separates their items. The process ends
when its input does, so it does not outlive its parent. It imports little, because a scan waits for
its start.
"""

from __future__ import annotations

import os
import select
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from typing import IO

from syncd.folders import skipped
from syncd.folders.patterns import Patterns
from syncd.folders.safe_open import Way
from syncd.folders.scanning.diff import Comparison
from syncd.folders.scanning.walk import FolderTree
from syncd.ledger.reader import connect

MAX_UNUSED = 60.0
"""Seconds after which a process ends that no scan has used: its folder may not exist, for example,
and it needs 15 MB."""

_LENGTH = 8  # bytes


def description(ledger: str, tree: FolderTree) -> list[bytes]:
    """Return the first list; `ledger` is the address of the database."""
    patterns = tree.patterns
    texts = [ledger, str(tree.folder_id), str(len(patterns.include))]
    return [tree.root, *map(os.fsencode, [*texts, *patterns.include, *patterns.exclude])]


def main() -> None:
    """Serve the parent of a new process."""
    serve(sys.stdin.buffer, sys.stdout.buffer)


def serve(lists: IO[bytes], records: IO[bytes], max_unused: float = MAX_UNUSED) -> None:
    """Serve until the input ends, or not at all without a first list within `max_unused`."""
    if not select.select([lists], [], [], max_unused)[0]:
        return
    described = receive(lists)
    if described is None:
        return
    root, *texts = described
    ledger, folder_id, number, *patterns = map(os.fsdecode, texts)
    include, exclude = patterns[: int(number)], patterns[int(number) :]
    with closing(connect(ledger)) as db, Way(root) as way:
        comparison = Comparison(db, int(folder_id), way, Patterns(include, exclude))
        while (paths := receive(lists)) is not None:
            send(records, [_record(comparison, path) for path in paths])


def send(pipe: IO[bytes], items: Iterable[bytes]) -> None:
    """Write a list of at least one item; raise OSError if the reader has ended."""
    body = b"\0".join(items)
    pipe.write(len(body).to_bytes(_LENGTH, "big") + body)
    pipe.flush()


def receive(pipe: IO[bytes]) -> list[bytes] | None:
    """Return the next list; None if the writer has ended, before a list or within it."""
    head = pipe.read(_LENGTH)
    body = pipe.read(int.from_bytes(head, "big"))
    if len(head) < _LENGTH or len(body) < int.from_bytes(head, "big"):
        return None
    return body.split(b"\0")


def _record(comparison: Comparison, path: bytes) -> bytes:
    seen = 0
    left_out = Counter[str]()
    names: list[bytes] = []
    for part in comparison.parts(path):
        if part.found or part.missed or part.with_other_numbers or part.troubles or part.renumbered:
            return b""
        seen += part.seen
        skipped.add(left_out, part.skipped)
        names += [below.rpartition(b"/")[2] for below in part.below]
    return b"/".join([b"%d" % seen, _text_of(left_out), *names])


def _text_of(counts: Counter[str]) -> bytes:
    return b" ".join(b"%s=%d" % (code.encode(), count) for code, count in counts.items())


def counts_of(text: bytes) -> Counter[str]:
    """Return the counts by reason that a record contains; no reason has a blank or a slash."""
    pairs = (item.rpartition(b"=") for item in text.split())
    return Counter({code.decode(): int(count) for code, _, count in pairs})
