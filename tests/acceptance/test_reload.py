"""SIGHUP to the real process: what changes live, what is refused, and what it may not cost."""

import asyncio
import os
import re
import signal
from pathlib import Path

import pytest
from support.pictures import picture
from support.process import Daemon, running
from support.rig import Rig, until

from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox


def times(daemon: Daemon, *words: str) -> int:
    return sum(all(word in line for word in words) for line in daemon.lines)


def write_config(rig: Rig) -> None:
    """Write the rig's configuration as it is now."""
    rig.write_config()


def hang_up(daemon: Daemon) -> None:
    daemon.process.send_signal(signal.SIGHUP)


async def reload(rig: Rig, daemon: Daemon) -> str:
    """Change the configuration to the rig's own, and return what the reload says of it."""
    before = times(daemon, "daemon.reloaded")
    write_config(rig)
    hang_up(daemon)
    await until(lambda: times(daemon, "daemon.reloaded") > before)
    return next(line for line in reversed(daemon.lines) if "daemon.reloaded" in line)


async def test_a_folder_that_is_added_is_brought_and_one_taken_out_is_left(rig: Rig) -> None:
    other = rig.path / "other"
    other.mkdir()
    old, new = picture(1), picture(2)
    rig.write("a.jpg", old)
    (other / "b.jpg").write_bytes(new)
    async with running(rig) as daemon:
        await until(lambda: rig.recorded(old) is not None)
        rig.toml = f'[folders.other]\npath = "{other}"\naccount = "main"'
        assert "folders.other added" in await reload(rig, daemon)
        await until(lambda: rig.recorded(new) is not None)
        rig.toml = ""
        assert "folders.other removed" in await reload(rig, daemon)
        assert daemon.said("folder.retired", "other")
        assert await daemon.end() == 0
    assert rig.holds(new)
    assert rig.sandbox.counts.images("1") == 2


async def test_a_mirror_that_is_added_gets_the_whole_library(rig: Rig) -> None:
    contents = [picture(i) for i in range(60)]
    for i, content in enumerate(contents):
        rig.write(f"{i}.jpg", content)
    async with running(rig) as daemon:
        await until(lambda: all(rig.recorded(c) for c in contents))
        rig.accounts, rig.mirrors = {"main": "1", "eu": "2"}, ("eu",)
        said = await reload(rig, daemon)
        assert "accounts.eu added" in said
        assert "folders.spring.mirrors: none → eu" in said
        await until(lambda: all(rig.recorded(c, "2") for c in contents))
        assert await daemon.end() == 0
    assert all(rig.holds(c, "2") for c in contents)
    assert rig.sandbox.counts.images("1") == 60


async def test_a_mirror_that_is_removed_keeps_what_it_has_and_the_log_says_so(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(tmp_path, sandbox, accounts={"main": "1", "eu": "2"}, mirrors=("eu",))
    old, new = picture(1), picture(2)
    rig.write("a.jpg", old)
    async with running(rig) as daemon:
        await until(lambda: rig.recorded(old, "2") is not None)
        rig.mirrors = ()
        await reload(rig, daemon)
        assert daemon.said("mirror.removed", "folder=spring", "account=eu", "images stay")
        rig.write("b.jpg", new)
        await until(lambda: rig.recorded(new) is not None)
        await reload(rig, daemon)
        assert times(daemon, "mirror.removed") == 1
        assert await daemon.end() == 0
    assert rig.holds(old, "2")
    assert not rig.holds(new, "2")
    assert sandbox.counts.calls("2", "delete") == 0


async def test_limits_of_an_account_and_of_a_post_change_live(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(tmp_path, sandbox, workers=1, toml="[pack]\nimages = 1")
    sandbox.faults.add(Fault("slow", seconds=0.2, on="upload"))
    first, second = [picture(i) for i in range(3)], [picture(i) for i in range(10, 13)]
    async with running(rig) as daemon:
        for i, content in enumerate(first):
            rig.write(f"{i}.jpg", content)
        await until(lambda: all(rig.recorded(c) for c in first))
        assert sandbox.counts.most_in_flight("1") == 1
        rig.workers = 3
        assert "accounts.main.workers: 1 → 3" in await reload(rig, daemon)
        for i, content in enumerate(second):
            rig.write(f"1{i}.jpg", content)
        await until(lambda: all(rig.recorded(c) for c in second))
        assert sandbox.counts.most_in_flight("1") > 1
        assert set(sandbox.counts.files_per_post("1")) == {1}
        many = [picture(i) for i in range(20, 30)]
        for i, content in enumerate(many):
            (rig.path / f"{i}.jpg").write_bytes(content)
        rig.toml = ""
        assert "pack.images: 1 → 25" in await reload(rig, daemon)
        (rig.path / "more").mkdir()
        for i in range(10):
            (rig.path / f"{i}.jpg").rename(rig.path / "more" / f"{i}.jpg")
        (rig.path / "more").rename(rig.folder / "more")
        await until(lambda: all(rig.recorded(c) for c in many))
        assert max(sandbox.counts.files_per_post("1")) > 1


async def test_a_larger_budget_counts_at_once(tmp_path: Path, sandbox: Sandbox) -> None:
    scarce = 'tier = "standard"\nreserve = 0\nbudget = { points = 3, window = "1d" }'
    rig = Rig(tmp_path, sandbox, per_account=scarce)
    first, second = picture(1), picture(2)
    rig.write("a.jpg", first)
    async with running(rig) as daemon:
        await until(lambda: rig.recorded(first) is not None)
        rig.write("b.jpg", second)
        await until(lambda: rig.rows("SELECT count(*) FROM image") == [(2,)])
        rig.toml = '[log]\nstats_every = "1s"'
        await reload(rig, daemon)
        await until(lambda: daemon.said("stats", "missing="))
        assert sandbox.counts.calls("1") == 1, "the budget is spent, also after a reload"
        rig.per_account = scarce.replace("points = 3", "points = 300")
        assert "accounts.main.budget.points: 3 → 300" in await reload(rig, daemon)
        await until(lambda: rig.recorded(second) is not None)


async def test_the_log_changes_its_level_and_its_form(rig: Rig) -> None:
    async with running(rig) as daemon:
        await until(lambda: daemon.said("watch.ready"))
        await bring(rig, daemon, 1)
        assert times(daemon, "upload.done") == 0
        rig.toml = '[log]\nlevel = "debug"'
        assert "log.level: info → debug" in await reload(rig, daemon)
        await bring(rig, daemon, 2)
        assert times(daemon, "upload.done") == 1
        rig.toml = '[log]\nformat = "json"'
        assert (await reload(rig, daemon)).startswith("{")
        await bring(rig, daemon, 3)
        assert times(daemon, "upload.done") == 1
        rig.toml = '[log]\nstats_every = "1s"'
        await reload(rig, daemon)
        await until(lambda: daemon.said("stats", "account=main"))


async def bring(rig: Rig, daemon: Daemon, number: int) -> None:
    rig.write(f"{number}.jpg", picture(number))
    await until(lambda: daemon.said("image.held", f"{number}.jpg"))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('id = "1"', 'id = "1', "Illegal character"),
        ("settle", "setle", "watch.setle"),
        ('timeout = "5s"', "timeout = 5", "graph.timeout"),
        ("SYNCD_TEST_TOKEN", "SYNCD_NO_SUCH_TOKEN", "SYNCD_NO_SUCH_TOKEN is not set"),
        ("ledger.db", "other.db", "restart"),
        (None, None, "the file does not exist"),
    ],
)
async def test_a_file_that_is_wrong_changes_nothing_and_the_log_says_why(
    rig: Rig, old: str | None, new: str | None, why: str
) -> None:
    content = picture(1)
    async with running(rig) as daemon:
        await until(lambda: daemon.said("watch.ready"))
        rig.toml = '[folders.more]\npath = "/nowhere"\naccount = "main"'
        file = rig.write_config()
        if old is None or new is None:
            file.unlink()
        else:
            file.write_text(file.read_text().replace(old, new))
        hang_up(daemon)
        await until(lambda: daemon.said("error", "config.refused", why))
        rig.write("a.jpg", content)
        await until(lambda: rig.recorded(content) is not None)
        assert times(daemon, "watch.ready") == 1, "nothing has ended"
        assert not daemon.said("daemon.reload")
        assert "folders.more added" in await reload(rig, daemon)
        assert await daemon.end() == 0
    assert not list(rig.path.glob("other.db*"))


async def test_every_mistake_is_said_in_one_line(rig: Rig) -> None:
    async with running(rig) as daemon:
        await until(lambda: daemon.said("watch.ready"))
        file = rig.write_config()
        text = file.read_text().replace("settle", "setle").replace('id = "1"', 'id = "one"')
        file.write_text(text)
        hang_up(daemon)
        await until(lambda: daemon.said("config.refused", "watch.setle", "accounts.main.id"))
        assert times(daemon, "config.refused") == 1


async def test_what_is_odd_is_said_at_the_start_and_at_a_reload(rig: Rig) -> None:
    token = rig.path / "token"
    token.write_text(rig.sandbox.token)
    token.chmod(0o644)
    rig.per_account = f'token = {{ file = "{token}" }}'
    async with running(rig) as daemon:
        await until(lambda: daemon.said("watch.ready"))
        assert times(daemon, "config.warning", "accounts.main.token") == 1
        await reload(rig, daemon)
        assert times(daemon, "config.warning", "accounts.main.token") == 2
        token.chmod(0o600)
        await reload(rig, daemon)
        assert times(daemon, "warning") == 2


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_new_token_opens_an_account_that_was_stopped(rig: Rig, elsewhere: bool) -> None:
    content = picture(1)
    token = rig.path / "token"
    token.write_text("EAAwrongwrongwrong")
    token.chmod(0o600)
    file = rig.write_config()
    file.write_text(file.read_text().replace('env = "SYNCD_TEST_TOKEN"', f'file = "{token}"'))
    rig.write("a.jpg", content)
    async with running(rig, "run", "--config", str(file)) as daemon:
        await until(lambda: daemon.said("account.stopped"))
        if elsewhere:
            write_config(rig)
        else:
            token.write_text(rig.sandbox.token)
        hang_up(daemon)
        await until(lambda: rig.recorded(content) is not None)
        assert await daemon.end() == 0
    assert not daemon.said(rig.sandbox.token)
    assert not daemon.said("EAAwrong")


async def test_a_token_file_that_changes_opens_what_was_stopped_without_a_reload(rig: Rig) -> None:
    content = picture(1)
    token = rig.path / "token"
    token.write_text("EAAwrongwrongwrong")
    token.chmod(0o600)
    file = rig.write_config()
    file.write_text(file.read_text().replace('env = "SYNCD_TEST_TOKEN"', f'file = "{token}"'))
    rig.write("a.jpg", content)
    async with running(rig, "run", "--config", str(file)) as daemon:
        await until(lambda: daemon.said("account.stopped"))
        token.unlink()  # a moment without any token changes nothing
        token.write_text(rig.sandbox.token)
        await until(lambda: rig.recorded(content) is not None)
        await until(lambda: daemon.said("token.changed", "account=main", "duration="))
        (changed,) = (line for line in daemon.lines if "token.changed" in line)
        assert re.search(r"duration=\d", changed), "it ended a stop"
        assert times(daemon, "account.stopped") == 1
        assert not rig.rows("SELECT * FROM pause")
        assert await daemon.end() == 0
    assert not daemon.said(rig.sandbox.token)


async def test_a_relative_path_is_read_again_also_when_the_file_was_replaced(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(rig.path)
    async with running(rig, "run", "--config", rig.write_config().name) as daemon:
        await until(lambda: daemon.said("watch.ready"))
        rig.workers = 7
        text = rig.write_config().read_text()
        new = rig.path / "new.toml"
        new.write_text(text)
        rig.write_config().write_text("the old one = gone")
        new.replace(rig.path / "config.toml")
        hang_up(daemon)
        await until(lambda: daemon.said("daemon.reloaded", "workers: 4 → 7"))


async def test_what_is_in_flight_at_a_reload_is_finished_and_sent_once(rig: Rig) -> None:
    content = picture(1)
    rig.write("a.jpg", content)
    rig.sandbox.faults.add(Fault("slow", seconds=1.0, on="upload"))
    async with running(rig) as daemon:
        await until(lambda: rig.sandbox.counts.most_in_flight("1") == 1)
        await reload(rig, daemon)
        assert rig.recorded(content) is not None
        await until(lambda: times(daemon, "scan.done") == 2)
        assert await daemon.end() == 0
    assert rig.sandbox.counts.calls("1") == 1


async def test_reloads_in_the_midst_of_a_backlog_lose_nothing_and_send_nothing_twice(
    rig: Rig,
) -> None:
    contents = [picture(i) for i in range(200)]
    for i, content in enumerate(contents):
        rig.write(f"{i % 3}/{i}.jpg", content)
    rig.toml = "[pack]\nimages = 5"
    rig.sandbox.faults.add(Fault("slow", seconds=0.2, on="upload"))
    async with running(rig) as daemon:
        for number in range(1, 6):
            await sent(rig, 20 * number)
            await reload(rig, daemon)
        await until(lambda: all(rig.recorded(c) for c in contents))
        assert await daemon.end() == 0
    assert rig.sandbox.counts.images("1") == 200
    assert rig.sandbox.counts.repeated_uploads("1") == 0


async def sent(rig: Rig, images: int) -> None:
    await until(lambda: rig.sandbox.counts.images("1") > images)


async def test_reloads_leave_no_thread_and_no_open_file_behind(rig: Rig) -> None:
    reloads = 20
    async with running(rig) as daemon:
        await bring(rig, daemon, 0)
        of = Path("/proc", str(daemon.process.pid))
        files, threads = len(list((of / "fd").iterdir())), len(list((of / "task").iterdir()))
        for number in range(1, reloads + 1):
            await reload(rig, daemon)
            await bring(rig, daemon, number)
        # A few come and go with the threads that read; what was left behind would be one each time.
        assert len(list((of / "fd").iterdir())) < files + reloads / 2
        assert len(list((of / "task").iterdir())) < threads + reloads / 2


async def test_a_hangup_while_a_reload_is_under_way_is_not_lost(rig: Rig) -> None:
    rig.write("a.jpg", picture(1))
    rig.sandbox.faults.add(Fault("slow", seconds=1.0, on="upload", times=1))
    async with running(rig) as daemon:
        await until(lambda: rig.sandbox.counts.most_in_flight("1") == 1)
        rig.workers = 5
        write_config(rig)
        hang_up(daemon)
        await until(lambda: daemon.said("daemon.reloading"))
        rig.workers = 6
        write_config(rig)
        hang_up(daemon)
        await until(lambda: daemon.said("daemon.reloaded", "workers: 5 → 6"))
        hang_up(daemon)
        hang_up(daemon)
        await until(lambda: times(daemon, "daemon.reloaded") >= 3)
        assert daemon.said("daemon.reloaded", "workers: 4 → 5")
        assert await daemon.end() == 0
    assert rig.sandbox.counts.calls("1") == 1


async def test_a_hangup_while_the_file_is_read_is_not_lost(rig: Rig) -> None:
    content = picture(1)
    async with running(rig) as daemon:
        await until(lambda: daemon.said("watch.ready"))
        text = rig.write_config().read_text()
        pipe, new = rig.write_config(), rig.path / "new.toml"
        new.write_text(text.replace("workers = 4", "workers = 6"))
        pipe.unlink()
        os.mkfifo(pipe)
        hang_up(daemon)
        writing = await opened_for_writing(pipe)
        new.replace(pipe)
        hang_up(daemon)
        rig.write("a.jpg", content)  # once it is held, the loop has heard of the signal
        await until(lambda: rig.recorded(content) is not None)
        os.write(writing, text.replace("workers = 4", "workers = 5").encode())
        os.close(writing)
        await until(lambda: daemon.said("daemon.reloaded", "workers: 5 → 6"))
        assert await daemon.end() == 0


async def test_sigterm_in_the_middle_of_a_reload_ends_it_with_0(rig: Rig) -> None:
    content = picture(1)
    rig.write("a.jpg", content)
    rig.sandbox.faults.add(Fault("slow", seconds=1.0, on="upload"))
    async with running(rig) as daemon:
        await until(lambda: rig.sandbox.counts.most_in_flight("1") == 1)
        hang_up(daemon)
        await until(lambda: daemon.said("daemon.reloading"))
        assert await daemon.end() == 0
    assert daemon.said("daemon.stopped")
    assert not daemon.said("daemon.reloaded")
    assert rig.recorded(content) is not None


async def test_sigterm_right_after_a_hangup_ends_with_0(rig: Rig) -> None:
    async with running(rig) as daemon:
        await until(lambda: daemon.said("watch.ready"))
        hang_up(daemon)
        assert await daemon.end() == 0
    assert daemon.said("daemon.stopped")


async def test_a_pause_outlives_a_reload_and_makes_it_wait_for_nothing(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("80004", seconds=3600.0, on="upload"))
    rig.write("a.jpg", picture(1))
    async with running(rig) as daemon:
        await until(lambda: daemon.said("account.paused"))
        rig.write("b.jpg", picture(2))
        async with asyncio.timeout(10):
            await reload(rig, daemon)
        await until(lambda: times(daemon, "account.paused") == 2)
        await until(lambda: rig.rows("SELECT count(*) FROM image") == [(2,)])
        await until(lambda: times(daemon, "scan.done") == 2)
        assert await daemon.end() == 0
    assert rig.sandbox.counts.calls("1") == 1
    assert rig.sandbox.counts.while_blocked("1") == 0


async def test_a_hangup_before_the_loops_begin_waits_for_them(rig: Rig) -> None:
    text = rig.write_config().read_text()
    pipe = rig.path / "pipe"
    os.mkfifo(pipe)
    async with running(rig, "run", "--config", str(pipe)) as daemon:
        writing = await opened_for_writing(pipe)  # so syncd reads its configuration by now
        hang_up(daemon)
        pipe.unlink()
        pipe.write_text(text.replace("workers = 4", "workers = 9"))
        os.write(writing, text.encode())
        os.close(writing)
        await until(lambda: daemon.said("daemon.reloaded", "workers: 4 → 9"))
        assert await daemon.end() == 0


async def opened_for_writing(pipe: Path) -> int:
    """Open a pipe as soon as there is somebody who reads from it."""
    found: list[int] = []

    def opened() -> bool:
        try:
            found.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return False
        return True

    await until(opened)
    return found[0]


async def test_a_backfill_whose_terminal_is_closed_finishes_what_is_in_flight(rig: Rig) -> None:
    content = picture(1)
    rig.write("a.jpg", content)
    rig.sandbox.faults.add(Fault("slow", seconds=1.0, on="upload"))
    async with running(rig, "backfill", "--config", str(rig.write_config())) as backfill:
        await until(lambda: rig.sandbox.counts.most_in_flight("1") == 1)
        hang_up(backfill)  # the shell says so, and the terminal itself
        await until(lambda: backfill.said("daemon.stopping", "SIGHUP"))
        assert await backfill.end(signal.SIGHUP) == 1
    assert rig.recorded(content) is not None


async def test_a_backfill_under_nohup_hears_no_hangup(rig: Rig) -> None:
    rig.write("a.jpg", picture(1))
    rig.sandbox.faults.add(Fault("slow", seconds=1.0, on="upload"))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # which children inherit
    try:
        async with running(rig, "backfill", "--config", str(rig.write_config())) as backfill:
            await until(lambda: rig.sandbox.counts.most_in_flight("1") == 1)
            assert await backfill.end(signal.SIGHUP) == 0
    finally:
        signal.signal(signal.SIGHUP, before)
