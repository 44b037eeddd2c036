"""An upload with plain aiohttp, one image per POST, `CONCURRENCY` POSTs at once.

Usage: single_image_posts URL FOLDER CONCURRENCY.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp


async def send(url: str, paths: Iterator[Path], session: aiohttp.ClientSession) -> None:
    for path in paths:
        form = aiohttp.FormData()
        form.add_field(path.name, path.read_bytes(), filename=path.name, content_type="image/jpeg")
        async with session.post(f"{url}/v25.0/act_1/adimages", data=form) as response:
            assert (await response.json())["images"][path.name]["hash"]


async def send_all(url: str, paths: Iterator[Path], concurrency: int) -> None:
    headers = {"Authorization": "Bearer sandbox-token"}
    async with aiohttp.ClientSession(headers=headers) as session, asyncio.TaskGroup() as tasks:
        for _ in range(concurrency):
            tasks.create_task(send(url, paths, session))


if __name__ == "__main__":
    files = iter(sorted(Path(sys.argv[2]).glob("*/*.jpg")))
    asyncio.run(send_all(sys.argv[1], files, int(sys.argv[3])))
