"""Blocking work on threads that nobody waits for."""

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.hanging import hanging
from support.rig import until

from syncd.config.checks import resolve_links
from syncd.threads import ThreadPool, run_in_thread

MANY = 50  # more than any pool has threads


async def test_it_answers_or_raises() -> None:
    assert await run_in_thread(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await run_in_thread(lambda: 1 // 0)


async def test_however_many_hang_the_next_one_is_done() -> None:
    go = threading.Event()
    threads = ThreadPool("test")
    hung = [threads.submit(go.wait) for _ in range(MANY)]
    assert await run_in_thread(lambda: 7) == 7
    assert await threads.submit(lambda: 7) == 7
    assert not any(one.done() for one in hung)
    go.set()
    assert await asyncio.gather(*hung) == [True] * MANY


async def test_a_thread_is_kept_for_the_next_work_until_the_end() -> None:
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


async def test_a_caller_that_gave_up_hears_nothing() -> None:
    go, went = threading.Event(), threading.Event()

    def fail() -> None:
        go.wait()
        went.set()
        raise OSError

    waiting = ThreadPool("test").submit(fail)
    waiting.cancel()
    go.set()
    await until(went.is_set)
    await asyncio.sleep(0)
    assert waiting.cancelled()


def test_a_process_ends_while_some_hang() -> None:
    program = (
        "import asyncio, threading; from syncd.threads import ThreadPool, start_thread\n"
        "async def main():\n"
        "    start_thread(threading.Event().wait)\n"
        "    ThreadPool('test').submit(threading.Event().wait)\n"
        "asyncio.run(main())"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=20, check=True).returncode == 0


def test_where_paths_lead_is_told_of_those_that_answer(tmp_path: Path) -> None:
    share, link = tmp_path / "share", tmp_path / "link"
    share.mkdir()
    link.symlink_to(tmp_path / "real")
    with hanging(share) as folder:
        folder.hang()
        led = resolve_links([str(share), str(link), "/nowhere"])
        assert folder.asked_in_vain > 0
        folder.recover()
    assert led == {
        str(share): str(share),
        str(link): str(tmp_path / "real"),
        "/nowhere": "/nowhere",
    }
