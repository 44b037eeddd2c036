"""Blocking work on threads that do not delay the exit of the process."""

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.faulty_disk import faulty_disk
from support.rig import until

from syncd.config.checks import resolve_links
from syncd.threads import ThreadPool, run_in_thread

MANY = 50  # more than any pool has threads


async def test_work_in_a_thread_returns_or_raises() -> None:
    assert await run_in_thread(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await run_in_thread(lambda: 1 // 0)


async def test_hanging_threads_do_not_block_the_next_work() -> None:
    go = threading.Event()
    threads = ThreadPool("test")
    hung = [threads.submit(go.wait) for _ in range(MANY)]
    assert await run_in_thread(lambda: 7) == 7
    assert await threads.submit(lambda: 7) == 7
    assert not any(work.done() for work in hung)
    go.set()
    assert await asyncio.gather(*hung) == [True] * MANY


async def test_a_pool_reuses_an_idle_thread_until_it_is_closed() -> None:
    threads = ThreadPool("test")
    first = await threads.submit(threading.current_thread)
    go = threading.Event()
    busy = threads.submit(go.wait)
    second = await threads.submit(threading.current_thread)
    assert second is not first
    assert await threads.submit(threading.current_thread) is second
    threads.close()
    await until(lambda: not second.is_alive())
    assert first.is_alive()
    go.set()
    assert await busy
    await until(lambda: not first.is_alive())


async def test_cancelled_work_raises_nothing_in_its_caller() -> None:
    go, failed = threading.Event(), threading.Event()

    def fail() -> None:
        go.wait()
        failed.set()
        raise OSError

    waiting = ThreadPool("test").submit(fail)
    waiting.cancel()
    go.set()
    await until(failed.is_set)
    await asyncio.sleep(0)
    assert waiting.cancelled()


def test_a_process_exits_while_threads_hang() -> None:
    program = (
        "import asyncio, threading; from syncd.threads import ThreadPool, start_thread\n"
        "async def main():\n"
        "    start_thread(threading.Event().wait)\n"
        "    ThreadPool('test').submit(threading.Event().wait)\n"
        "asyncio.run(main())"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=20, check=True).returncode == 0


def test_links_are_resolved_except_on_a_disk_that_hangs(tmp_path: Path) -> None:
    share, link = tmp_path / "share", tmp_path / "link"
    share.mkdir()
    link.symlink_to(tmp_path / "real")
    with faulty_disk(share) as folder:
        folder.hang()
        resolved = resolve_links([str(share), str(link), "/nowhere"])
        assert folder.waiting > 0
        folder.recover()
    assert resolved == {
        str(share): str(share),
        str(link): str(tmp_path / "real"),
        "/nowhere": "/nowhere",
    }
