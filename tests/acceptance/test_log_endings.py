"""The end of the real process after an error: one record, an exit code and no other output."""

import asyncio
import json
import os
import re
import signal
import sys
import termios
from pathlib import Path

import pytest
from support.pictures import picture
from support.process import Ended, running, syncd
from support.rig import DEADLINE, Rig, until

from syncd.sandbox.faults import Fault

JSON = '[log]\nformat = "json"'


async def ended(rig: Rig, *words: str) -> Ended:
    """Run Python with these arguments to its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        env=rig.environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(DEADLINE):
        out, err = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


def with_a_bug(rig: Rig, command: str, where: str, bug: str) -> list[str]:
    """Return the arguments of a Python that runs the command with a bug added to a module."""
    code = f"""
import sys
import {where} as module
{bug}
from syncd.cli import main
sys.argv = ["syncd", "{command}", "--config", "{rig.write_config()}"]
main()
"""
    return ["-c", code]


@pytest.mark.parametrize("command", ["run", "backfill"])
async def test_a_bug_is_logged_as_one_critical_record_with_exit_code_70(
    rig: Rig, command: str
) -> None:
    rig.toml = JSON
    rig.write("a.jpg", picture(1))
    bug = f"""
import asyncio
async def fails():
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(asyncio.sleep(9))
        raise ValueError("a token: {rig.sandbox.token}")
module.Engine.run = lambda self, carrying: fails()
"""
    done = await ended(rig, *with_a_bug(rig, command, "syncd.engine.engine", bug))
    assert done.code == 70, done.err
    records = [json.loads(line) for line in done.err.splitlines()]
    (crash,) = [record for record in records if record["level"] in ("error", "critical")]
    assert crash == records[-1]
    assert (crash["event"], crash["why"]) == ("daemon.crashed", "unexpected error: a token: ***")
    assert "ExceptionGroup" in crash["traceback"]
    assert crash["remedy"]
    assert rig.sandbox.token not in done.err


async def test_a_bug_in_a_command_without_a_log_is_printed_without_secrets(rig: Rig) -> None:
    bug = f"""
from syncd.config import Secret
from syncd.logs.secrets import hide
hide(Secret("{rig.sandbox.token}"))
def load(*_args):
    raise ValueError("a token: {rig.sandbox.token}")
module.load = load
"""
    done = await ended(rig, *with_a_bug(rig, "status", "syncd.cli.options", bug))
    assert done.code == 70
    assert done.err.startswith("syncd: unexpected error: a token: ***\n")
    assert "Traceback (most recent call last):" in done.err
    assert rig.sandbox.token not in done.err


@pytest.mark.parametrize("command", ["run", "backfill"])
async def test_an_unusable_ledger_is_logged_as_one_record_without_a_traceback(
    rig: Rig, command: str
) -> None:
    rig.toml = JSON
    rig.ledger.write_bytes(b"this is not a database" * 100)
    done = await syncd(rig, command, "--config", str(rig.write_config()))
    assert done.code == 65
    (failed,) = [json.loads(line) for line in done.err.splitlines()]
    assert (failed["level"], failed["event"]) == ("error", "daemon.failed")
    assert str(rig.ledger) in failed["why"]
    assert failed["remedy"]


async def test_a_missing_directory_is_logged_in_one_line(rig: Rig) -> None:
    file = rig.write_config()
    file.write_text(file.read_text().replace("ledger.db", "nowhere/ledger.db"))
    done = await syncd(rig, "run", "--config", str(file))
    assert done.code == 74
    assert re.fullmatch(r"timestamp=\S+ level=error event=daemon\.failed .*nowhere.*\n", done.err)


async def test_a_daemon_with_an_unread_log_continues_to_work_and_ends(rig: Rig) -> None:
    rig.toml = '[log]\nlevel = "debug"'
    for number in range(500):
        rig.write(f"{'x' * 200}{number}.jpg", picture(number))
    read, write = os.pipe()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "syncd", "run", "--config", str(rig.write_config()),
        env=rig.environ, stderr=write,
    )  # fmt: skip
    try:
        os.close(write)  # the log fills the pipe after 64 KiB
        await until(lambda: len(rig.sandbox.library.images("1")) == 500)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            assert await process.wait() == 0
    finally:
        os.close(read)
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_stopped_terminal_does_not_block_a_backfill(rig: Rig) -> None:
    rig.toml = '[log]\nlevel = "debug"'
    contents = [picture(number) for number in range(200)]
    for number, content in enumerate(contents):
        rig.write(f"{number}.jpg", content)
    rig.sandbox.faults.add(Fault("slow", seconds=1.0, on="upload"))
    ours, theirs = os.openpty()
    os.set_blocking(ours, False)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "syncd", "backfill", "--config", str(rig.write_config()),
        env={**rig.environ, "TERM": "xterm"}, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    try:
        await until(lambda: "main" in _shown(ours))
        termios.tcflow(theirs, termios.TCOOFF)  # Ctrl-S
        await until(lambda: all(rig.recorded(content) for content in contents))
        termios.tcflow(theirs, termios.TCOON)
        shown = ""
        async with asyncio.timeout(DEADLINE):
            while process.returncode is None:
                shown += _shown(ours)
                await asyncio.sleep(0.01)
        shown += _shown(ours)
        assert process.returncode == 0, shown
        assert "In sync" in shown
        assert "image.held" in shown
    finally:
        termios.tcflow(theirs, termios.TCOON)
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(ours)
        os.close(theirs)


def _shown(terminal: int) -> str:
    """Return the terminal's output since the last call."""
    shown = b""
    try:
        while True:
            shown += os.read(terminal, 1 << 16)
    except BlockingIOError:
        return shown.decode(errors="replace")


async def test_sigabrt_prints_where_the_loop_is_blocked(rig: Rig) -> None:
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("watch.ready"))
        assert await daemon.end(signal.SIGABRT) == -signal.SIGABRT
    await until(lambda: daemon.logged("File", "asyncio/base_events.py"))


async def test_errors_printed_before_the_log_begins_have_a_priority_in_the_journal(
    rig: Rig, tmp_path: Path
) -> None:
    file = rig.write_config()
    file.write_text(file.read_text().replace("settle", "setle"))
    code = """
import os, sys
status = os.fstat(2)
os.environ["JOURNAL_STREAM"] = f"{status.st_dev}:{status.st_ino}"
os.execv(sys.executable, [sys.executable, "-m", "syncd", *sys.argv[1:]])
"""
    done = await ended(rig, "-c", code, "run", "--config", str(file))
    assert done.code == 78
    lines = done.err.splitlines()
    assert any("watch.setle" in line for line in lines)
    assert all(line.startswith("<3>") for line in lines)
