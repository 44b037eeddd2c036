"""The real process: its start, its exit codes, signals, and the secrecy of its token."""

import asyncio
import json
import signal
import sqlite3
import stat
from contextlib import closing
from hashlib import sha256

import pytest
from support.pictures import picture
from support.process import running, syncd
from support.rig import Rig, until

from syncd.sandbox.faults import Fault


async def test_the_daemon_uploads_a_file_and_exits_with_0_on_sigterm(rig: Rig) -> None:
    content = picture(1)
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("watch.ready"))
        rig.write("a.jpg", content)
        await until(lambda: rig.recorded(content) is not None)
        await until(lambda: daemon.logged("image.held", "a.jpg", sha256(content).hexdigest()))
        assert await daemon.end() == 0
    assert daemon.logged("daemon.stopped")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_calls_in_flight_are_finished_and_recorded_on_a_signal(
    rig: Rig, number: signal.Signals
) -> None:
    content = picture(1)
    rig.write("a.jpg", content)
    rig.sandbox.faults.add(Fault("slow", seconds=1.0, on="upload"))
    async with running(rig) as daemon:
        await until(lambda: rig.sandbox.counts.most_in_flight("1") == 1)
        assert await daemon.end(number) == 0
    assert rig.recorded(content) is not None


async def test_a_paused_daemon_exits_at_once(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("80004", times=1, on="upload"))
    rig.write("a.jpg", picture(1))
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("account.paused"))
        async with asyncio.timeout(5):
            assert await daemon.end() == 0


async def test_a_killed_daemon_loses_nothing(rig: Rig) -> None:
    contents = [picture(i) for i in range(200)]
    for i, content in enumerate(contents):
        rig.write(f"{i}.jpg", content)
    rig.sandbox.faults.add(Fault("slow", seconds=0.05, on="upload"))
    async with running(rig) as daemon:
        await until(lambda: len(rig.sandbox.library.images("1")) > 20)
        assert await daemon.end(signal.SIGKILL) == -signal.SIGKILL
    ended = await syncd(rig, "backfill", "--config", str(rig.write_config()))
    assert ended.code == 0, ended.err
    hashes = {image.sha256: image.hash for image in rig.sandbox.library.images("1")}
    assert all(rig.recorded(c) == hashes[sha256(c).hexdigest()] for c in contents)


async def test_a_second_process_on_the_same_ledger_exits_and_names_the_pid_of_the_first(
    rig: Rig,
) -> None:
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("daemon.started"))
        ended = await syncd(rig, "backfill", "--config", str(rig.write_config()))
        assert ended.code == 75
        assert str(daemon.process.pid) in ended.err
        assert "Traceback" not in ended.err


async def test_status_find_and_plan_work_while_the_daemon_runs(rig: Rig) -> None:
    content = picture(1)
    path = rig.write("a.jpg", content)
    config = str(rig.write_config())
    async with running(rig):
        await until(lambda: rig.recorded(content) is not None)
        status = await syncd(rig, "status", "--json", "--config", config)
        assert json.loads(status.out)["accounts"]["main"]["held"] == 1
        hash_ = rig.recorded(content)
        assert hash_ is not None
        for what in (str(path), hash_, sha256(content).hexdigest()):
            found = await syncd(rig, "find", what, "--config", config)
            assert found.code == 0
            assert hash_ in found.out
        plan = await syncd(rig, "plan", "--config", config)
        assert "would send nothing" in plan.out


async def test_a_plan_makes_no_calls_and_creates_no_ledger(rig: Rig) -> None:
    for i in range(30):
        rig.write(f"{i}.jpg", picture(i))
    rig.write("bad.jpg", b"not an image")
    plan = await syncd(rig, "plan", "--config", str(rig.write_config()))
    assert plan.code == 0
    assert "30 images" in plan.out
    assert "2 POSTs" in plan.out
    assert "rejected: 1 image" in plan.out
    assert rig.sandbox.counts.calls() == 0
    assert not rig.ledger.exists()


async def test_a_backfill_with_a_rejected_image_exits_with_3_and_status_shows_the_reason(
    rig: Rig,
) -> None:
    rig.write("good.jpg", picture(1))
    rig.write("bad.jpg", b"not an image")
    config = str(rig.write_config())
    assert (await syncd(rig, "backfill", "--config", config)).code == 3
    status = await syncd(rig, "status", "--config", config)
    assert "not an image" in status.out
    retried = await syncd(rig, "retry", "--rejected", "--config", config)
    assert "1 rejected image" in retried.out


async def test_all_mistakes_of_a_configuration_are_reported_together_with_78(rig: Rig) -> None:
    file = rig.write_config()
    file.write_text(
        file.read_text()
        .replace('id = "1"', 'id = "one"')
        .replace("settle", "setle")
        .replace('timeout = "5s"', "timeout = 5")
    )
    ended = await syncd(rig, "run", "--config", str(file))
    assert ended.code == 78
    for key in ("accounts.main.id", "watch.setle", "graph.timeout"):
        assert key in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("kind", ["garbage", "foreign", "newer", "damaged"])
async def test_an_unusable_ledger_exits_with_65_and_is_not_changed(rig: Rig, kind: str) -> None:
    config = str(rig.write_config())
    for i in range(40):
        rig.write(f"{i}.jpg", picture(i))
    if kind == "garbage":
        rig.ledger.write_bytes(b"this is not a database" * 100)
    elif kind == "foreign":
        with closing(sqlite3.connect(rig.ledger)) as db:
            db.executescript("CREATE TABLE foreign_table (a)")
    else:
        assert (await syncd(rig, "backfill", "--config", config)).code == 0
        if kind == "newer":
            with closing(sqlite3.connect(rig.ledger)) as db:
                db.execute("PRAGMA user_version = 99")
        else:
            content = bytearray(rig.ledger.read_bytes())
            content[4096:] = b"\xa5" * (len(content) - 4096)
            rig.ledger.write_bytes(content)
    before = rig.ledger.read_bytes()
    for command in ("run", "backfill", "status", "plan"):
        ended = await syncd(rig, command, "--config", config)
        assert ended.code == 65, (command, ended.err)
        assert str(rig.ledger) in ended.err
        assert "Traceback" not in ended.err
    assert rig.ledger.read_bytes() == before


async def test_only_the_owner_can_read_the_files_of_the_ledger(rig: Rig) -> None:
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("watch.ready") and rig.status_file.exists())
        files = list(rig.path.glob("ledger.db*"))
        assert len(files) == 4
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


async def test_the_token_is_neither_in_the_log_nor_in_the_ledger(rig: Rig) -> None:
    rig.write("a.jpg", picture(1))
    rig.sandbox.faults.add(Fault("reset_before", times=1))
    rig.sandbox.faults.add(Fault("190", times=1))
    rig.toml = '[log]\nlevel = "debug"'
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("account.stopped"))
        await daemon.end()
    token = rig.sandbox.token
    assert not daemon.logged(token)
    for path in rig.path.glob("ledger.db*"):
        assert token.encode() not in path.read_bytes()


async def test_check_prints_ok_or_what_to_do(rig: Rig) -> None:
    config = str(rig.write_config())
    good = await syncd(rig, "check", "--config", config)
    assert good.code == 0, good.out
    assert "BAD" not in good.out
    rig.sandbox.faults.add(Fault("190"))
    rig.folder.rmdir()
    bad = await syncd(rig, "check", "--config", config)
    assert bad.code == 1
    assert "syncd token set" in bad.out
    assert str(rig.folder) in bad.out


async def test_a_start_with_nothing_changed_makes_no_calls(rig: Rig) -> None:
    for i in range(50):
        rig.write(f"{i}.jpg", picture(i))
    assert (await syncd(rig, "backfill", "--config", str(rig.write_config()))).code == 0
    calls = rig.sandbox.counts.calls()
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("scan.done", "new_or_changed=0"))
        assert await daemon.end() == 0
    assert rig.sandbox.counts.calls() == calls
