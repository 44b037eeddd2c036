"""`syncd status` shows whether the daemon runs, and what it does for each account."""

import json
import signal
import time
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
import pytest
from support.pictures import picture
from support.privileges import without_privileges
from support.process import Daemon, Ended, running, syncd
from support.rig import Rig, until

from syncd import __version__
from syncd.daemon.status_file import INTERVAL, DaemonStatus
from syncd.sandbox.faults import Fault


async def status(rig: Rig, *words: str) -> Ended:
    return await syncd(rig, "status", *words, "--config", str(rig.write_config()))


async def report(rig: Rig) -> dict[str, Any]:
    ended = await status(rig, "--json")
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    assert isinstance(found, dict)
    return found


def expiry_in_file(rig: Rig) -> object:
    return json.loads(rig.status_file.read_text())["accounts"]["main"]["token_expires_at"]


async def reports(rig: Rig, daemon: Daemon) -> None:
    """Wait until the daemon has written its status file."""
    await until(lambda: rig.status_file.exists() and daemon.logged("scan.done"))


async def test_a_user_without_permissions_is_not_shown_that_the_daemon_has_stopped(
    rig: Rig,
) -> None:
    hidden = rig.path / "hidden"
    hidden.mkdir()
    config = str(rig.write_config())
    async with running(rig, under=("env", f"RUNTIME_DIRECTORY={hidden}")) as daemon:
        await until((hidden / "status.json").exists)
        rig.ledger.chmod(0)
        ended = await syncd(
            rig, "status", "--check", "--config", config, under=without_privileges()
        )
        assert ended.code == 74, ended
        assert ended.out.startswith("cannot see whether syncd runs: ")
        assert await daemon.end() == 0


async def test_a_daemon_reports_its_figures_as_soon_as_it_has_read_the_ledger(rig: Rig) -> None:
    async with running(rig) as daemon:
        await until(lambda: rig.status_file.exists() and written(rig).counted_at is not None)
        found = written(rig)
        assert found.written_at - found.started_at < INTERVAL
        assert await daemon.end() == 0


def written(rig: Rig) -> DaemonStatus:
    return msgspec.json.decode(rig.status_file.read_bytes(), type=DaemonStatus)


async def test_the_first_line_says_that_the_daemon_runs(rig: Rig) -> None:
    rig.write("a.jpg", picture(1))
    async with running(rig) as daemon:
        await until(lambda: bool(rig.recorded(picture(1), "1")))
        await reports(rig, daemon)
        shown = await status(rig)
        first = " ".join(shown.out.split("account ")[0].split())
        assert first.startswith("syncd is running since ")
        assert f"(version {__version__}, process {daemon.process.pid}" in first
        checked = await status(rig, "--check")
        assert (checked.code, checked.out) == (0, "running, in sync\n")
        found = (await report(rig))["daemon"]
        assert (found["state"], found["pid"]) == ("running", daemon.process.pid)
        assert 0 <= found["accounts"]["main"]["budget_used"] < 100
        assert await daemon.end() == 0


@pytest.mark.parametrize(
    ("number", "end"),
    [
        (signal.SIGTERM, "syncd is not running since "),
        (signal.SIGKILL, "syncd is not running: it crashed or was killed after "),
    ],
)
async def test_status_says_since_when_and_how_the_daemon_has_ended(
    rig: Rig, number: signal.Signals, end: str
) -> None:
    rig.write("a.jpg", picture(1))
    async with running(rig) as daemon:
        await reports(rig, daemon)
        await daemon.end(number)
    shown = await status(rig)
    assert shown.code == 0
    first = " ".join(shown.out.split("account ")[0].split())
    assert first.startswith(end)
    assert f"`syncd run --config {rig.path / 'config.toml'}`" in first
    checked = await status(rig, "--check")
    assert checked.code == 3
    assert checked.out.startswith(end)
    assert checked.out.count("\n") == 1


async def test_a_daemon_on_a_link_to_the_ledger_is_seen_through_its_target(rig: Rig) -> None:
    rig.write("a.jpg", picture(1))
    assert (await syncd(rig, "backfill", "--config", str(rig.write_config()))).code == 0
    link, config = rig.path / "link.db", rig.write_config()
    link.symlink_to(rig.ledger)
    linked = rig.path / "linked.toml"
    linked.write_text(config.read_text().replace(str(rig.ledger), str(link)))
    for runs, asks in ((config, linked), (linked, config)):
        async with running(rig, "run", "--config", str(runs)) as daemon:
            await reports(rig, daemon)
            await until(lambda: f'"pid":{daemon.process.pid}' in rig.status_file.read_text())
            checked = await syncd(rig, "status", "--check", "--config", str(asks))
            assert (checked.code, checked.out) == (0, "running, in sync\n")
            assert await daemon.end() == 0


async def test_status_names_the_end_of_a_backfill(rig: Rig) -> None:
    rig.write("a.jpg", picture(1))
    assert (await syncd(rig, "backfill", "--config", str(rig.write_config()))).code == 0
    assert "syncd is not running; a backfill ended at " in " ".join((await status(rig)).out.split())


async def test_check_without_a_ledger_says_that_the_daemon_is_not_running(rig: Rig) -> None:
    checked = await status(rig, "--check")
    assert (checked.code, checked.out.startswith("syncd is not running; start it")) == (3, True)


async def test_check_exits_with_1_and_names_the_first_alert(rig: Rig) -> None:
    rig.write("a.jpg", picture(1))
    rig.sandbox.faults.add(Fault("190", on="upload"))
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("account.stopped"))
        await reports(rig, daemon)
        checked = await status(rig, "--check")
        assert checked.code == 1
        assert checked.out.startswith("needs you: accounts.main: ")
        assert checked.out.count("\n") == 1


async def test_status_shows_the_uploads_under_way(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("slow", on="upload", seconds=60))
    for number in range(3):
        rig.write(f"{number}.jpg", picture(number))
    async with running(rig) as daemon:
        await reports(rig, daemon)

        def is_sending() -> bool:
            found = json.loads(rig.status_file.read_text())
            return bool(found["accounts"]["main"]["in_flight"] == 3)

        await until(is_sending)
        assert "uploading 3 of 3" in (await status(rig)).out
        await daemon.end(signal.SIGKILL)


async def test_a_status_file_that_cannot_be_written_stops_nothing(rig: Rig) -> None:
    rig.status_file.mkdir()
    rig.write("a.jpg", picture(1))
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("status.unwritable", rig.status_file.name))
        await until(lambda: bool(rig.recorded(picture(1), "1")))
        rig.status_file.rmdir()
        await until(lambda: daemon.logged("status.writable"))
        assert await daemon.end() == 0
    assert daemon.count("status.unwritable") == 1


async def test_status_shows_a_token_that_expires_soon_or_lacks_a_permission(rig: Rig) -> None:
    rig.sandbox.switches = replace(
        rig.sandbox.switches, token_lifetime=6 * 86400.0, token_scopes="ads_read"
    )
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("token.expiring") and daemon.logged("token.limited"))
        shown = " ".join((await status(rig)).out.split())
        assert "needs you: accounts.main: the token of main expires within 7 days" in shown
        assert "needs you: accounts.main: the token of main does not have the permission" in shown
        assert "save it with `syncd token set`" in shown
        assert (await status(rig, "--check")).code == 1
        found = await report(rig)
        assert [one["event"] for one in found["needs_you"]] == ["token.expiring", "token.limited"]
        await until(lambda: expiry_in_file(rig) is not None)
        found = await report(rig)
        expires_at = datetime.fromisoformat(found["daemon"]["accounts"]["main"]["token_expires_at"])
        assert 5 * 86400 < expires_at.timestamp() - time.time() <= 6 * 86400
        assert await daemon.end() == 0
