"""Who may read the daemon's status file gets the whole status, without the ledger."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.mounts import Mounts
from support.pictures import picture
from support.process import Ended, running
from support.rig import Rig, until

from syncd.sandbox.faults import Fault

USER, GROUP = "54321", "54322"
"""A user and a group that own nothing else."""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root can change users")


def as_member(group: str) -> tuple[str, ...]:
    return ("setpriv", f"--reuid={USER}", f"--regid={USER}", f"--groups={group}", "--")


@pytest.fixture
def open_rig(rig: Rig) -> Iterator[Rig]:
    """A rig in a directory that all users may enter, with a ledger for its owner alone."""
    with tempfile.TemporaryDirectory(prefix="syncd-test-", dir="/tmp") as name:
        path = Path(name)
        path.chmod(0o755)
        found = Rig(path, rig.sandbox)
        found.write_config().chmod(0o644)
        words = [*as_member(GROUP), sys.executable, "-c", "import syncd.cli.status"]
        if subprocess.run(words, check=False, capture_output=True, cwd="/").returncode:
            pytest.skip("NOT TESTED: other users cannot run the Python of the tests")
        yield found


@pytest.fixture
def runtime_directory(open_rig: Rig) -> Path:
    """A directory as RuntimeDirectory= makes it: its files get the group of the service."""
    directory = open_rig.path / "run"
    directory.mkdir()
    os.chown(directory, 0, int(GROUP))
    directory.chmod(0o2750)
    return directory


def status(rig: Rig, mounts: Mounts, group: str, *words: str) -> Ended:
    ended = subprocess.run(
        [
            *mounts.under, *as_member(group), sys.executable, "-m", "syncd", "status", *words,
            "--config", rig.path / "config.toml",
        ],
        check=False, capture_output=True, text=True, cwd="/", env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    return Ended(ended.returncode, ended.stdout, ended.stderr)


async def test_a_member_of_the_group_gets_the_whole_status_of_an_instance(
    open_rig: Rig, runtime_directory: Path, mounts: Mounts
) -> None:
    mounts.mount("-t", "tmpfs", "none", "/run")
    mounts.run("mkdir", "-p", "/run/syncd/spring")
    mounts.mount("--bind", runtime_directory, "/run/syncd/spring")
    open_rig.sandbox.faults.add(Fault("190", on="upload"))
    open_rig.write("a.jpg", picture(1))
    open_rig.write("b.webp", picture(2))
    file = runtime_directory / "status.json"
    under = ("env", f"RUNTIME_DIRECTORY={runtime_directory}")
    async with running(open_rig, under=under) as daemon:
        await until(lambda: daemon.logged("account.stopped"))
        await until(lambda: "account.stopped" in file.read_text())
        shown = status(open_rig, mounts, GROUP)
        assert (shown.code, shown.err) == (0, "")
        assert shown.out.startswith("syncd is running since ")
        for part in ("needs you: accounts.main: ", "stopped since", "do: ", "skipped 1 .webp"):
            assert part in shown.out
        found = json.loads(status(open_rig, mounts, GROUP, "--json").out)
        assert found["accounts"]["main"]["missing"] == 1
        checked = status(open_rig, mounts, GROUP, "--check")
        assert (checked.code, checked.out.count("\n")) == (1, 1)
        assert checked.out.startswith("needs you: accounts.main: ")
        listed = status(open_rig, mounts, GROUP, "--files", "missing")
        assert listed.code == 74
        assert "ledger.db (permission denied)" in listed.err
        outside = status(open_rig, mounts, USER)
        assert (outside.code, outside.out) == (74, "")
        assert "found no status of its daemon" in outside.err
        assert await daemon.end() == 0
    ended = status(open_rig, mounts, GROUP)
    assert ended.out.startswith("syncd is not running since ")
    assert "stopped since" in ended.out
