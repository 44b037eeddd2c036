"""Commands that only read the ledger, on one of a million files."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.bench import Bench
from bench.daemon import TOKEN, syncd
from bench.inside import large_ledger
from bench.inside.large_ledger import DIGEST, FOLDERS, HASH, wanted_file
from bench.processes import Run, run, run_in_rounds, running
from bench.row import Goal, Row
from bench.running_sink import sink
from bench.trees import schema_digest

_QUICK, _SEARCH = Goal(0.3, of_figure=True), Goal(1.0, of_figure=True)  # seconds
_DAEMON = "status, the daemon runs"
_LISTED = 20  # lines, after which a reader such as `less` has its first screen


def rows(bench: Bench) -> Iterator[Row]:
    files = bench.sizes.large
    directory = bench.new_directory("large")
    with sink() as server:
        config = write_config(directory, server.url)
        copy_ledger(bench, files, directory)
        found = _measure(bench, directory, _commands(directory, files, config))
        found |= _beside_daemon(bench, directory, config)
    for name, measured in found.items():
        goal = _SEARCH if name in _SEARCHES else _QUICK
        note = f"CPU {measured.cpu:.2f} s"
        yield Row(f"syncd {name}, {files:,} files", measured.wall, "s", goal=goal, note=note)


_SEARCHES = {"status", "find, part of a name", "find, a pattern"}
"""Those that count or read everything."""

_ABSENT = Path("/nonexistent/syncd-bench")
"""The directory of the folders, of which the commands need none."""


def _commands(directory: Path, files: int, config: Path) -> dict[str, list[str]]:
    place, name = wanted_file(files)
    missing, rejected = ("status", "--files", "missing"), ("status", "--files", "rejected")
    whole = {
        "status": ("status",),
        "find, a path": ("find", str(_ABSENT / place / name)),
        "find, a name": ("find", name),
        "find, a pattern": ("find", f"IMG_*{name[5:]}"),
        "find, part of a name": ("find", name[5:]),
        "find, the begin of a hash": ("find", HASH[:8]),
        "find, the begin of a digest": ("find", DIGEST[:8]),
        "log, a file": ("log", str(_ABSENT / place / name)),
        "log --since 1h": ("log", "--since", "1h"),
    }
    listed = {
        "status --files missing": missing,
        "status --files missing --account eu": (*missing, "--account", "eu"),
        "status --files missing --folder f1": (*missing, "--folder", FOLDERS[1]),
        "status --files rejected": rejected,
        "status --files rejected --folder f1": (*rejected, "--folder", FOLDERS[1]),
        "status --files unreadable": ("status", "--files", "unreadable"),
        "export": ("export",),
        "export --account eu": ("export", "--account", "eu"),
    }
    commands = {what: syncd(*words, "--config", config) for what, words in whole.items()}
    for what, words in listed.items():
        line = shlex.join(syncd(*words, "--config", config))
        commands[f"{what}, first {_LISTED} lines"] = ["sh", "-c", f"{line} | head -n {_LISTED}"]
    return commands


def _measure(bench: Bench, directory: Path, commands: dict[str, list[str]]) -> dict[str, Run]:
    runs = {
        name: partial(run, command, directory / "log", TOKEN) for name, command in commands.items()
    }
    return run_in_rounds(runs, bench.sizes.rounds)


def _beside_daemon(bench: Bench, directory: Path, config: Path) -> dict[str, Run]:
    """Measure `status` while a daemon runs."""
    with daemon(directory, config):
        return _measure(bench, directory, {_DAEMON: syncd("status", "--config", config)})


@contextmanager
def daemon(directory: Path, config: Path) -> Iterator[None]:
    """Run a daemon, once it has written the figures of the ledger."""
    status = directory / "ledger.db.status.json"
    with running(syncd("run", "--config", config), directory / "daemon", TOKEN) as child:
        child.wait_until(lambda: status.exists() and b'"needs_you"' in status.read_bytes())
        yield


def copy_ledger(bench: Bench, files: int, directory: Path) -> None:
    """Copy the ledger of `large_ledger` to ledger.db in a directory."""
    kept = bench.cache / f"ledger-large-{files}-{schema_digest(Path(large_ledger.__file__))}.db"
    if not kept.exists():
        bench.log(f"  writing the ledger of {files:,} files, once")
        made = bench.new_directory("large-ledger") / "ledger.db"
        arguments = [str(made), str(files), str(_ABSENT)]
        command = [sys.executable, "-m", "bench.inside.large_ledger", *arguments]
        run(command, made.with_name("log"))
        shutil.move(made, kept)
    shutil.copyfile(kept, directory / "ledger.db")


def write_config(directory: Path, url: str) -> Path:
    """Write a configuration with the accounts and folders of `large_ledger`."""
    file = directory / "config.toml"
    folders = "\n".join(
        f'[folders.{name}]\npath = "{_ABSENT / name}"\naccount = "main"\n'
        + ('mirrors = ["eu"]\n' if number % 2 else "")
        for number, name in enumerate(FOLDERS)
    )
    file.write_text(
        f'[graph]\nversion = "v25.0"\nbase_url = "{url}"\n'
        f'token = {{ env = "{next(iter(TOKEN))}" }}\n'
        f'[ledger]\npath = "{directory / "ledger.db"}"\n'
        f'[accounts.main]\nid = "1"\n[accounts.eu]\nid = "2"\n{folders}'
    )
    return file
