"""`syncd init --systemd`: the units of this machine, installed and removed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from glob import glob
from pathlib import Path

import syncd
from syncd.check.shell import Command, quote
from syncd.cli.console import print_line
from syncd.cli.errors import Exit, fail
from syncd.cli.options import DEFAULT_CONFIG
from syncd.setup.files import replace
from syncd.setup.places import places
from syncd.setup.units import ENABLED, RUNNING, unfit, unit_files

_BOOTED = Path("/run/systemd/system")  # sd_booted(3)
_RUNTIME = Path("/run/syncd")
_INSTALL = (
    "sudo PIPX_HOME=/opt/pipx PIPX_BIN_DIR=/usr/local/bin PIPX_MAN_DIR=/usr/local/share/man"
    " pipx install ."
)


def install(config: Path, *, dry_run: bool) -> None:
    """Install or update the units, the user and the directories, and enable nothing."""
    _require_systemd("--systemd", dry_run=dry_run)
    for path, content in unit_files(_program()).items():
        if not path.exists():
            _announce("install", path)
        elif path.read_bytes() == content:
            _announce("unchanged", path)
            continue
        else:
            _announce("replace", path)
        if not dry_run:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace(path, content, 0o644)
    _run("systemd-sysusers", "syncd.conf", dry_run=dry_run)
    _run("systemd-tmpfiles", "--create", "syncd.conf", dry_run=dry_run)
    _run("systemctl", "daemon-reload", dry_run=dry_run)
    if not dry_run:
        _print_next(config)


def _print_next(config: Path) -> None:
    """Print the commands that lead to a running service."""
    option = "" if config == DEFAULT_CONFIG else f" --config {quote(str(config))}"
    units = places(config.absolute(), has_units=True).units or ("syncd",)
    print_line("Next:")
    print_line(f"    sudo syncd {'check' if config.exists() else 'init'}{option}")
    print_line(f"    sudo systemctl enable --now {' '.join(units)}")
    if config.exists():
        print_line(f"    sudo systemctl restart {units[0]}    # if it runs already")
        pages = units[0].replace("syncd", "syncd-web", 1)
        print_line(f"    sudo systemctl try-restart {pages}    # the pages, if they are served")


def remove(*, dry_run: bool) -> None:
    """Stop syncd and remove what `install` installs; print the commands that remove the rest."""
    _require_systemd("--systemd --remove", dry_run=dry_run)
    files = [path for path in unit_files("") if path.exists()]
    names = {path.name for path in files}
    if enabled := [unit for unit in ENABLED if unit in names]:
        running = [unit for unit in RUNNING if "*" in unit or unit in names]
        _run("systemctl", "stop", *running, dry_run=dry_run)
        _run("systemctl", "disable", *enabled, dry_run=dry_run)
    for path in files:
        _announce("remove", path)
        if not dry_run:
            path.unlink()
    if _RUNTIME.exists():
        _announce("remove", _RUNTIME)
        if not dry_run:
            shutil.rmtree(_RUNTIME)
    if not dry_run:
        _remove_empty({path.parent for path in files if path.parent.name.endswith(".d")})
    if files:
        _run("systemctl", "daemon-reload", dry_run=dry_run)
    else:
        print_line("no units of syncd are installed")
    _print_kept()


def _remove_empty(directories: Iterable[Path]) -> None:
    """Remove the directories of our own drop-ins, unless they contain a file of someone else."""
    for directory in directories:
        if directory.name.startswith("syncd") and not any(directory.iterdir()):
            directory.rmdir()


def _print_kept() -> None:
    """Print the commands that remove the configuration, the token, the ledger and the user."""
    drop_ins = glob("/etc/systemd/system/syncd*.d")
    tokens = glob("/etc/credstore/syncd.*")
    kept = [*drop_ins, "/etc/syncd", *tokens, "/var/lib/syncd"]
    if found := [path for path in kept if os.path.exists(path)]:
        print_line("Kept: the configuration, the token and the ledger. These commands remove them:")
        print_line(f"    {Command(('rm', '-r', *found)).shell_line(sudo=True)}")
        print_line("    sudo userdel syncd")


def _program() -> str:
    """Return the path of this program for the units; end the command if they cannot run it."""
    started = Path(sys.argv[0]).absolute()
    program = started if started.name == "syncd" else Path(sys.executable).with_name("syncd")
    needed = [program, Path(sys.executable), Path(syncd.__file__)]
    why = unfit(str(program), [os.path.realpath(path) for path in needed])
    if why is None and not program.exists():
        why = f"{program} does not exist"
    if why is not None:
        fail(f"{why}: install syncd for all users, then run init again\n    {_INSTALL}")
    return str(program)


def _require_systemd(options: str, *, dry_run: bool) -> None:
    if dry_run:
        return
    if os.geteuid() != 0:
        fail(f"only root can change the units of this machine: sudo syncd init {options}")
    if not _BOOTED.exists():
        fail("this machine does not run systemd: start `syncd run` by other means")


def _announce(verb: str, path: Path) -> None:
    print_line(f"{verb:<9}  {path}", flush=True)


def _run(*words: str, dry_run: bool) -> None:
    print_line(f"{'run':<9}  {Command(words).shell_line(sudo=False)}", flush=True)
    if not dry_run and (code := _exit_code(words)) != 0:
        fail(f"{words[0]} ended with {code}: correct what it reports, then run init again",
             Exit.SYSTEM)  # fmt: skip


def _exit_code(words: Sequence[str]) -> int:
    return subprocess.run(words, check=False, stdin=subprocess.DEVNULL).returncode  # noqa: S603  fixed words
