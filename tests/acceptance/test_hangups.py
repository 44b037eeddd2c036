"""SIGHUP to the real process at difficult moments: nothing is lost, repeated or leaked."""

import asyncio
import os
import signal
from pathlib import Path

from support.pictures import picture
from support.process import running
from support.reload import open_for_writing, reload, wait_for_images, write_and_wait
from support.rig import Rig, until

from syncd.sandbox.faults import Fault


async def test_a_call_in_flight_at_a_reload_ends_and_is_not_repeated(rig: Rig) -> None:
    content = picture(1)
    rig.write("a.jpg", content)
    rig.sandbox.faults.add(Fault("slow", seconds=1.0, on="upload"))
    async with running(rig) as daemon:
        await until(lambda: rig.sandbox.counts.most_in_flight("1") == 1)
        await reload(rig, daemon)
        assert rig.recorded(content) is not None
        await until(lambda: daemon.count("scan.done") == 2)
        assert await daemon.end() == 0
    assert rig.sandbox.counts.calls("1") == 1


async def test_reloads_during_a_backlog_lose_nothing_and_send_nothing_twice(
    rig: Rig,
) -> None:
    contents = [picture(i) for i in range(200)]
    for i, content in enumerate(contents):
        rig.write(f"{i % 3}/{i}.jpg", content)
    rig.toml = "[pack]\nimages = 5"
    rig.sandbox.faults.add(Fault("slow", seconds=0.2, on="upload"))
    async with running(rig) as daemon:
        for number in range(1, 6):
            await wait_for_images(rig, 20 * number)
            await reload(rig, daemon)
        await until(lambda: all(rig.recorded(c) for c in contents))
        assert await daemon.end() == 0
    assert rig.sandbox.counts.images("1") == 200
    assert rig.sandbox.counts.repeated_uploads("1") == 0


async def test_reloads_leak_no_thread_and_no_open_file(rig: Rig) -> None:
    reloads = 20
    async with running(rig) as daemon:
        await write_and_wait(rig, daemon, 0)
        of = Path("/proc", str(daemon.process.pid))
        files, threads = len(list((of / "fd").iterdir())), len(list((of / "task").iterdir()))
        for number in range(1, reloads + 1):
            await reload(rig, daemon)
            await write_and_wait(rig, daemon, number)
        # The threads that read come and go; a leak would add one per reload.
        assert len(list((of / "fd").iterdir())) < files + reloads / 2
        assert len(list((of / "task").iterdir())) < threads + reloads / 2


async def test_a_hangup_during_a_reload_is_not_lost(rig: Rig) -> None:
    rig.write("a.jpg", picture(1))
    rig.sandbox.faults.add(Fault("slow", seconds=1.0, on="upload", times=1))
    async with running(rig) as daemon:
        await until(lambda: rig.sandbox.counts.most_in_flight("1") == 1)
        rig.workers = 5
        rig.write_config()
        daemon.hang_up()
        await until(lambda: daemon.logged("daemon.reloading"))
        rig.workers = 6
        rig.write_config()
        daemon.hang_up()
        await until(lambda: daemon.logged("daemon.reloaded", "workers: 5 → 6"))
        daemon.hang_up()
        daemon.hang_up()
        await until(lambda: daemon.count("daemon.reloaded") >= 3)
        assert daemon.logged("daemon.reloaded", "workers: 4 → 5")
        assert await daemon.end() == 0
    assert rig.sandbox.counts.calls("1") == 1


async def test_a_hangup_while_the_file_is_read_is_not_lost(rig: Rig) -> None:
    content = picture(1)
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("watch.ready"))
        text = rig.write_config().read_text()
        pipe, new = rig.write_config(), rig.path / "new.toml"
        new.write_text(text.replace("workers = 4", "workers = 6"))
        pipe.unlink()
        os.mkfifo(pipe)
        daemon.hang_up()
        writing = await open_for_writing(pipe)
        new.replace(pipe)
        daemon.hang_up()
        rig.write("a.jpg", content)  # once it is held, the loop has handled the signal
        await until(lambda: rig.recorded(content) is not None)
        os.write(writing, text.replace("workers = 4", "workers = 5").encode())
        os.close(writing)
        await until(lambda: daemon.logged("daemon.reloaded", "workers: 5 → 6"))
        assert await daemon.end() == 0


async def test_sigterm_during_a_reload_ends_the_process_with_0(rig: Rig) -> None:
    content = picture(1)
    rig.write("a.jpg", content)
    rig.sandbox.faults.add(Fault("slow", seconds=1.0, on="upload"))
    async with running(rig) as daemon:
        await until(lambda: rig.sandbox.counts.most_in_flight("1") == 1)
        daemon.hang_up()
        await until(lambda: daemon.logged("daemon.reloading"))
        assert await daemon.end() == 0
    assert daemon.logged("daemon.stopped")
    assert not daemon.logged("daemon.reloaded")
    assert rig.recorded(content) is not None


async def test_sigterm_right_after_a_hangup_ends_the_process_with_0(rig: Rig) -> None:
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("watch.ready"))
        daemon.hang_up()
        assert await daemon.end() == 0
    assert daemon.logged("daemon.stopped")


async def test_a_pause_survives_a_reload_and_does_not_delay_it(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("80004", seconds=3600.0, on="upload"))
    rig.write("a.jpg", picture(1))
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("account.paused"))
        rig.write("b.jpg", picture(2))
        async with asyncio.timeout(10):
            await reload(rig, daemon)
        await until(lambda: daemon.count("account.paused") == 2)
        await until(lambda: rig.rows("SELECT count(*) FROM image") == [(2,)])
        await until(lambda: daemon.count("scan.done") == 2)
        assert await daemon.end() == 0
    assert rig.sandbox.counts.calls("1") == 1
    assert rig.sandbox.counts.while_blocked("1") == 0


async def test_a_hangup_before_the_loops_run_is_not_lost(rig: Rig) -> None:
    text = rig.write_config().read_text()
    pipe = rig.path / "pipe"
    os.mkfifo(pipe)
    async with running(rig, "run", "--config", str(pipe)) as daemon:
        writing = await open_for_writing(pipe)  # syncd is reading its configuration
        daemon.hang_up()
        pipe.unlink()
        pipe.write_text(text.replace("workers = 4", "workers = 9"))
        os.write(writing, text.encode())
        os.close(writing)
        await until(lambda: daemon.logged("daemon.reloaded", "workers: 4 → 9"))
        assert await daemon.end() == 0


async def test_a_backfill_whose_terminal_is_closed_finishes_calls_in_flight(rig: Rig) -> None:
    content = picture(1)
    rig.write("a.jpg", content)
    rig.sandbox.faults.add(Fault("slow", seconds=1.0, on="upload"))
    async with running(rig, "backfill", "--config", str(rig.write_config())) as backfill:
        await until(lambda: rig.sandbox.counts.most_in_flight("1") == 1)
        backfill.hang_up()  # the shell sends it, and so does the terminal
        await until(lambda: backfill.logged("daemon.stopping", "SIGHUP"))
        assert await backfill.end(signal.SIGHUP) == 130
    assert rig.recorded(content) is not None


async def test_a_backfill_under_nohup_ignores_a_hangup(rig: Rig) -> None:
    rig.write("a.jpg", picture(1))
    rig.sandbox.faults.add(Fault("slow", seconds=1.0, on="upload"))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # inherited by child processes
    try:
        async with running(rig, "backfill", "--config", str(rig.write_config())) as backfill:
            await until(lambda: rig.sandbox.counts.most_in_flight("1") == 1)
            assert await backfill.end(signal.SIGHUP) == 0
    finally:
        signal.signal(signal.SIGHUP, before)
