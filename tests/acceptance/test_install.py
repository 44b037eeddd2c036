"""The installation as the README describes it, from a clone in an empty directory."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support.readme import ROOT, command

UNITS = ROOT / "systemd"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of exactly the files that git has."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        target = tmp_path / "syncd" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target, follow_symlinks=False)
    return tmp_path / "syncd"


@pytest.mark.timeout(400)
def test_the_readmes_demo_command_works_in_an_empty_directory(clone: Path, tmp_path: Path) -> None:
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    ended = subprocess.run(
        ["sh", "-euc", command("demo")],
        cwd=clone,
        env={**environ, "HOME": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert "image.held" in ended.stdout + ended.stderr


def test_the_wheel_has_all_the_files_that_it_needs(clone: Path, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
         "--wheel-dir", str(tmp_path), str(clone)],
        check=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "syncd/ledger/schema.sql" in names
    assert "syncd/py.typed" in names
    for page in (
        "man1/syncd.1",
        "man5/syncd.toml.5",
        "man7/syncd-events.7",
        "man7/syncd-operation.7",
    ):
        assert any(name.endswith(f".data/data/share/man/{page}") for name in names)
    for source in ("commands.md", "events.md", "operation.md"):
        assert f"syncd/man/{source}" in names
    example = (clone / "config.example.toml").read_bytes()
    assert zipfile.ZipFile(wheel).read("syncd/man/config.example.toml") == example
    assert {f"syncd/setup/systemd/{path.relative_to(UNITS)}" for path in UNITS.rglob("*.*")
            if path.is_file()} <= names  # fmt: skip
    assert not any(name.startswith("tests") for name in names)
