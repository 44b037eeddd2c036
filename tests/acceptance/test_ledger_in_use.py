"""A second process on the ledger of a running daemon, and another file at its path."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from support.pictures import picture
from support.process import running, syncd
from support.rig import Rig, until

from syncd.sandbox.faults import Fault


def same_path(ledger: Path) -> Path:
    return ledger


def symlink(ledger: Path) -> Path:
    other = ledger.with_name("link.db")
    other.symlink_to(ledger)
    return other


def hard_link(ledger: Path) -> Path:
    other = ledger.with_name("hard.db")
    os.link(ledger, other)
    return other


def no_lock_file(ledger: Path) -> Path:
    Path(f"{ledger}.lock").unlink(missing_ok=True)
    return ledger


@pytest.mark.parametrize("path", [same_path, symlink, hard_link, no_lock_file])
@pytest.mark.parametrize("command", ["run", "backfill"])
async def test_a_second_process_exits_with_75_by_whatever_path_it_reaches_the_ledger(
    rig: Rig, command: str, path: Callable[[Path], Path]
) -> None:
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("scan.done"))
        config = rig.write_config()
        other = config.with_name("other.toml")
        other.write_text(config.read_text().replace(str(rig.ledger), str(path(rig.ledger))))
        ended = await syncd(rig, command, "--config", str(other))
        assert ended.code == 75, ended.err
        assert f"process {daemon.process.pid}" in ended.err
        other.unlink()
        rig.ledger.with_name("hard.db").unlink(missing_ok=True)
        assert (await syncd(rig, "status", "--config", str(config))).code == 0
        assert await daemon.end() == 0


@pytest.mark.parametrize(
    "words",
    [("status",), ("audit",), ("retry",), ("ledger", "vacuum"), ("ledger", "check"), ("export",)],
    ids=" ".join,
)
async def test_no_command_opens_a_ledger_with_two_names(rig: Rig, words: tuple[str, ...]) -> None:
    rig.write("a.jpg", picture(1))
    config = rig.write_config()
    other = config.with_name("other.toml")
    hard = rig.ledger.with_name("hard.db")
    other.write_text(config.read_text().replace(str(rig.ledger), str(hard)))
    async with running(rig) as daemon:
        await until(lambda: rig.recorded(picture(1)) is not None)
        os.link(rig.ledger, hard)
        ended = await syncd(rig, *words, "--config", str(other))
        assert ended.code == 65, ended
        assert "has 2 names (hard links)" in ended.err
        assert list(rig.path.glob("hard.db-*")) == []
        rig.write("b.jpg", picture(2))
        await until(lambda: rig.recorded(picture(2)) is not None)
        assert await daemon.end(signal.SIGKILL) != 0
    assert (await syncd(rig, "backfill", "--config", str(other))).code == 65
    hard.unlink()
    assert (await syncd(rig, "ledger", "check", "--config", str(config))).code == 0


def replace(ledger: Path) -> None:
    copy = ledger.with_name("copy.db")
    shutil.copy(ledger, copy)
    copy.replace(ledger)


@pytest.mark.parametrize("change", [replace, Path.unlink])
async def test_a_replaced_or_removed_ledger_ends_the_daemon_with_74(
    rig: Rig, change: Callable[[Path], None]
) -> None:
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("scan.done"))
        change(rig.ledger)
        await until(lambda: daemon.process.returncode is not None)
        await until(lambda: daemon.logged("daemon.failed"))
    assert daemon.process.returncode == 74
    assert daemon.logged("daemon.failed", "was moved, replaced or removed", "start syncd again")
    assert not daemon.logged("Traceback")


async def test_a_replaced_ledger_ends_a_backfill_with_74(rig: Rig) -> None:
    rig.write("a.jpg", picture(1))
    rig.sandbox.faults.add(Fault("slow", seconds=60, on="upload"))
    command = ("backfill", "--config", str(rig.write_config()))
    async with running(rig, *command) as process:
        await until(lambda: rig.sandbox.counts.most_in_flight("1") == 1)
        replace(rig.ledger)
        await until(lambda: process.process.returncode is not None)
        await until(lambda: process.logged("daemon.failed"))
    assert process.process.returncode == 74
    assert process.logged("was moved, replaced or removed")
