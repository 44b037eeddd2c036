"""`syncd images` as a process: next to a daemon, on a terminal, and after Ctrl-C."""

import asyncio
import json
import os
import pty
import re
import signal
import sys
from dataclasses import replace
from pathlib import Path

from support.pictures import picture
from support.process import Daemon, running, syncd
from support.rig import DEADLINE, Rig, until
from support.terminal import terminal

from syncd.sandbox.calls import Call
from syncd.sandbox.faults import Fault
from syncd.sandbox.outcomes import Outcome
from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches
from syncd.sandbox.values import Kind


def budget_used(daemon: Daemon) -> float:
    """Return the percentage of the budget that the daemon has last logged as used."""
    used = [re.search(r"budget_used=([0-9.]+)", line) for line in daemon.lines]
    return max((float(one[1]) for one in used if one is not None), default=0.0)


async def test_a_daemon_counts_the_calls_of_a_command_and_knows_what_it_has_changed(
    rig: Rig,
) -> None:
    rig.per_account = "budget = { points = 100 }\nreserve = 0.0"
    rig.toml = '[log]\nstats_every = "1s"'
    config = ("--account", "main", "--config", str(rig.write_config()))
    content = picture(1)
    async with running(rig) as daemon:
        path = str(rig.write("a.jpg", content))
        await until(lambda: rig.recorded(content) is not None)
        await until(lambda: budget_used(daemon) == 3)  # the upload
        listed = await syncd(rig, "images", "list", "--json", *config)
        assert [row["name"] for row in json.loads(listed.out)] == ["a.jpg"]
        assert (await syncd(rig, "images", "upload", path, *config)).code == 0
        await until(lambda: budget_used(daemon) == 7)
        image = rig.recorded(content) or ""
        assert (await syncd(rig, "images", "delete", image, "--yes", *config)).code == 0
        await until(lambda: daemon.count("image.held", image) == 2)
        rig.sandbox.faults.add(Fault("613", on="list"))  # the daemon may list them first
        assert (await syncd(rig, "images", "list", *config)).code == 69
        await until(lambda: daemon.logged("account.paused", "abuse control"))
    assert rig.sandbox.counts.calls("1", "upload") == 3


async def test_a_question_precedes_a_deletion_on_a_terminal(rig: Rig) -> None:
    config = ("--account", "main", "--config", str(rig.write_config()))
    rig.write("a.jpg", picture(1))
    await rig.backfill()
    image = rig.recorded(picture(1)) or ""
    async with terminal(rig, "images", "delete", image, *config) as no:
        await no.question("a file wants it, so that syncd uploads it again")
        await no.reply("Delete 1 image from main? [y/N]", "")
        assert await no.end() == 1
    assert rig.sandbox.counts.calls("1", "delete") == 0
    async with terminal(rig, "images", "delete", image, *config) as yes:
        await yes.reply("Delete 1 image from main? [y/N]", "y")
        assert await yes.end() == 0
    assert not rig.holds(picture(1))


async def test_ctrl_c_completes_and_records_the_upload_under_way(rig: Rig) -> None:
    config = ("--account", "main", "--config", str(rig.write_config()))
    await rig.backfill()
    path = rig.path / "b.jpg"
    path.write_bytes(picture(2))
    arrived, interrupted = asyncio.Event(), asyncio.Event()

    async def wait(call: Call, outcome: Outcome) -> Outcome:
        if call.kind is Kind.UPLOAD:
            arrived.set()
            await interrupted.wait()
        return outcome

    rig.sandbox.on_response = wait
    async with terminal(rig, "images", "upload", str(path), *config) as command:
        await asyncio.wait_for(arrived.wait(), 20)
        command.interrupt()
        interrupted.set()
        assert await command.end() == 130
    assert rig.recorded(picture(2)) is not None
    assert rig.rows("SELECT count(*) FROM api_call WHERE process > 0") == [(1,)]


async def test_a_list_shows_a_bar_and_is_a_complete_array_after_ctrl_c(rig: Rig) -> None:
    config = ("--account", "main", "--config", str(rig.write_config()))
    await rig.backfill()
    rig.sandbox.switches = replace(rig.sandbox.switches, largest_page=3)
    for number in range(6):
        rig.sandbox.hold("1", f"{number}.jpg", picture(number))
    second, interrupted = asyncio.Event(), asyncio.Event()

    async def wait(call: Call, outcome: Outcome) -> Outcome:
        if call.params.has("after"):
            second.set()
            await interrupted.wait()
        return outcome

    rig.sandbox.on_response = wait
    ours, theirs = pty.openpty()
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "syncd", "images", "list", "--json", *config),
        env={**rig.environ, "TERM": "xterm", "COLUMNS": "80"},
        stdout=asyncio.subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    await asyncio.wait_for(second.wait(), 20)
    await until(lambda: b"50%" in os.read(ours, 65_536))
    command.send_signal(signal.SIGINT)
    interrupted.set()
    out, _ = await command.communicate()
    os.close(ours)
    assert command.returncode == 130
    assert len(json.loads(out)) == 3


async def test_two_commands_at_once_share_the_budget_of_a_development_app(tmp_path: Path) -> None:
    """Both wait for room once it is used, and no call of theirs is throttled."""
    async with Sandbox(Switches(tier="development")) as sandbox:
        rig = Rig(tmp_path, sandbox)
        rig.per_account = 'tier = "development"'
        await rig.backfill()
        files = [rig.path / f"{number}.jpg" for number in range(30)]
        for number, file in enumerate(files):
            file.write_bytes(picture(number))
        paths = list(map(str, files))
        words = ("images", "upload", "--as", "bytes", "--account", "main")
        config = ("--config", str(rig.write_config()))
        commands = [
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "syncd", *words, *half, *config),
                env=rig.environ,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
            for half in (paths[:15], paths[15:])
        ]
        for command in commands:
            assert command.stderr is not None
            async with asyncio.timeout(DEADLINE):
                assert b"waiting for room" in await command.stderr.readline()
        for command in commands:
            command.send_signal(signal.SIGINT)
            assert await command.wait() == 130
        held = sum(rig.holds(picture(number)) for number in range(30))
        assert sandbox.counts.calls("1", "upload") == held
        assert sandbox.counts.while_blocked("1") == 0
        assert 10 < held <= 20, "an upload costs 3 of 60 points"
