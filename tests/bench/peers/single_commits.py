"""aiosqlite with one commit per fact. Usage: single_commits DATABASE FACTS; prints facts/s."""

from __future__ import annotations

import asyncio
import os
import sys
import time

import aiosqlite


async def main() -> None:
    path, facts = sys.argv[1], int(sys.argv[2])
    async with aiosqlite.connect(path) as db:
        await db.execute("PRAGMA journal_mode = WAL")
        await db.execute("PRAGMA synchronous = FULL")
        await db.execute("CREATE TABLE held (digest BLOB PRIMARY KEY, hash TEXT) WITHOUT ROWID")
        began = time.perf_counter()
        for number in range(facts):
            row = (os.urandom(32), f"{number:032x}")
            await db.execute("INSERT INTO held (digest, hash) VALUES (?, ?)", row)
            await db.commit()
        print(facts / (time.perf_counter() - began))


if __name__ == "__main__":
    asyncio.run(main())
