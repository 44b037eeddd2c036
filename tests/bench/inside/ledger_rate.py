"""The number of facts per second that the ledger writes.

Usage: ledger_rate held|read LEDGER FACTS. `held` are images that an account holds, of files that
were recorded before, written by 32 workers, one batch each; `read` are files that were read,
written by two readers, one batch each. These are the numbers of concurrent writers in the daemon.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from hashlib import sha256
from itertools import count
from pathlib import Path

from syncd.folders.intake.intake import BATCH, READERS
from syncd.ledger import files, folders, replicas
from syncd.ledger.database import Ledger, open_ledger
from syncd.ledger.files import Content, Place
from syncd.model import AccountId, Digest, Entry, FolderName, ImageHash, Stat

_WORKERS, _IMAGES = 32, 25
_ACCOUNT = AccountId("1")


def digest_of(number: int) -> Digest:
    """Return the digest of the n-th image, in no order as digests are."""
    return Digest(sha256(b"%d" % number).digest())


async def held(ledger: Ledger, number: int) -> int:
    """Record a batch of images that an account holds."""
    batch = [
        (
            digest_of(number * _IMAGES + n),
            Entry(
                hash=ImageHash(digest_of(number * _IMAGES + n)[:16].hex()),
                name=f"{n}.jpg",
                width=400,
                height=300,
            ),
        )
        for n in range(_IMAGES)
    ]
    await ledger.write(replicas.record_held(_ACCOUNT, batch, time.time()))
    return _IMAGES


async def read(ledger: Ledger, number: int) -> int:
    """Record a batch of files that were read."""
    now = time.time_ns()
    found = [
        (
            Place(1, b"%05d" % (number // 6), b"%08d-%02d.jpg" % (number, n)),
            Stat(device=1, inode=number * BATCH + n, size=20_000, mtime_ns=now, ctime_ns=now),
            Content(
                digest=digest_of(number * BATCH + n),
                size=20_000,
                format="JPEG",
                width=400,
                height=300,
                unfit=None,
            ),
        )
        for n in range(BATCH)
    ]
    await ledger.write(files.record_all(found))
    return BATCH


async def main() -> None:
    kind, path, facts = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    write: Callable[[Ledger, int], Awaitable[int]] = held if kind == "held" else read
    numbers = count()
    written = 0

    async def worker(ledger: Ledger) -> None:
        nonlocal written
        while written < facts:
            done = await write(ledger, next(numbers))
            written += done

    async with open_ledger(path) as ledger:
        await ledger.write(folders.declare(FolderName("bench"), b"/nowhere", [_ACCOUNT]))
        if kind == "held":
            for number in range(facts // BATCH + _WORKERS * _IMAGES // BATCH + 1):
                await read(ledger, number)
        began = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(_WORKERS if kind == "held" else READERS):
                tasks.create_task(worker(ledger))
        print(written / (time.perf_counter() - began))


if __name__ == "__main__":
    asyncio.run(main())
