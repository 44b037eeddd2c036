"""The file for node_exporter: replaced as a whole, readable by others, and removed at the end."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from structlog.testing import capture_logs
from structlog.typing import EventDict
from support.rig import until

from syncd.monitoring.textfile import keep_writing


def numbered() -> Callable[[], Awaitable[bytes]]:
    """Return contents that contain their number."""
    number = 0

    async def content() -> bytes:
        nonlocal number
        number += 1
        return f"metric {number}\n".encode() * 1000

    return content


@asynccontextmanager
async def kept(file: Path) -> AsyncIterator[list[EventDict]]:
    """Keep writing in the block; yield the events that are logged."""
    with capture_logs() as logs:
        task = asyncio.create_task(keep_writing(file, numbered(), interval=0.01))
        try:
            yield logs
        finally:
            task.cancel()
            await asyncio.wait([task])


async def test_the_file_is_replaced_as_a_whole_and_removed_at_the_end(tmp_path: Path) -> None:
    file = tmp_path / "syncd.prom"
    previous = os.umask(0o077)  # as in syncd's units
    try:
        async with kept(file) as logs:
            await until(file.exists)
            seen: set[str] = set()
            while len(seen) < 3:
                lines = file.read_text().splitlines()
                assert len(lines) == 1000
                assert len(set(lines)) == 1
                seen.add(lines[0])
                await asyncio.sleep(0)
            assert file.stat().st_mode & 0o777 == 0o644
            assert set(os.listdir(tmp_path)) <= {"syncd.prom", ".syncd.prom.new"}
    finally:
        os.umask(previous)
    assert os.listdir(tmp_path) == []
    assert logs == []


async def test_a_directory_that_is_missing_is_logged_once_and_used_when_it_exists(
    tmp_path: Path,
) -> None:
    file = tmp_path / "later" / "syncd.prom"
    attempts = 0

    async def content() -> bytes:
        nonlocal attempts
        attempts += 1
        return b"metric 1\n"

    with capture_logs() as logs:
        task = asyncio.create_task(keep_writing(file, content, interval=0.01))
        await until(lambda: attempts >= 3)
        (failed,) = logs
        assert failed["event"] == "metrics.unavailable"
        assert failed["log_level"] == "warning"
        assert (failed["what"], failed["why"]) == (str(file), "no such file or directory")
        assert failed["remedy"].startswith(
            "create its directory, or write another path for metrics"
        )
        file.parent.mkdir()
        await until(file.exists)
        await until(lambda: len(logs) == 2)
        assert logs[1]["event"] == "metrics.available"
        task.cancel()
        await asyncio.wait([task])
    assert not file.exists()


async def test_a_link_at_the_name_of_the_new_file_is_not_followed(tmp_path: Path) -> None:
    """Others may write into the directory."""
    file, target = tmp_path / "syncd.prom", tmp_path / "target"
    target.write_text("content")
    (tmp_path / ".syncd.prom.new").symlink_to(target)
    async with kept(file):
        await until(file.exists)
    assert target.read_text() == "content"
