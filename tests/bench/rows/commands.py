"""The start of commands that only read the ledger."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial

from bench import pictures
from bench.bench import Bench
from bench.daemon import TOKEN, syncd, write_config
from bench.processes import run, run_in_rounds
from bench.row import Goal, Row
from bench.running_sink import sink

_GOAL = Goal(0.12, of_figure=True)  # seconds
_PYTHON = "python -c pass"


def rows(bench: Bench) -> Iterator[Row]:
    folder = pictures.tiny_tree(bench.cache / "tree-500", 500)
    directory = bench.new_directory("commands")
    with sink() as server:
        config = write_config(directory, server.url, {"bench": folder})
        run(syncd("backfill", "--config", config), directory / "log", TOKEN)
    picture = next(folder.rglob("*.png"))
    commands = {
        _PYTHON: [sys.executable, "-c", "pass"],
        "status": syncd("status", "--config", config),
        "find": syncd("find", "--config", config, picture),
    }
    runs = {
        name: partial(run, command, directory / "log", TOKEN) for name, command in commands.items()
    }
    found = run_in_rounds(runs, 3 * bench.sizes.rounds)
    python = found.pop(_PYTHON)
    for name, command in found.items():
        what = f"syncd {name}, start to exit"
        yield Row(what, command.wall, "s", [(_PYTHON, python.wall)], _GOAL)
        yield Row(f"{what}, CPU", command.cpu, "s", [(_PYTHON, python.cpu)])
