"""Peak memory of a start with nothing changed, and of a backfill."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench import pictures
from bench.bench import Bench
from bench.daemon import TOKEN, syncd, write_config
from bench.processes import run
from bench.row import Goal, Row
from bench.rows.start import unchanged
from bench.running_sink import sink

_GOAL = Goal(100, of_figure=True)


def rows(bench: Bench) -> Iterator[Row]:
    for count in bench.sizes.trees:
        memory = unchanged(bench, count).memory
        what = f"peak memory, start with nothing changed, {count:,} files"
        yield Row(what, memory, "MB", goal=_GOAL)
    count = bench.sizes.backfill
    tree = pictures.tiny_tree(bench.cache / f"tree-{count}", count)
    yield Row(
        f"peak memory, backfill of {count:,} tiny files", _peak(bench, tree), "MB", goal=_GOAL
    )
    for size, count in bench.sizes.images.items():
        folder = pictures.photograph_folder(
            bench.cache / f"photographs-{size}-{count}", size, count
        )
        what = f"peak memory, backfill of {count:,} files of {size // 1000} KB"
        yield Row(what, _peak(bench, folder), "MB", goal=_GOAL)


def _peak(bench: Bench, folder: Path) -> float:
    directory = bench.new_directory("memory")
    with sink() as server:
        config = write_config(directory, server.url, {"bench": folder})
        command = syncd("backfill", "--config", config)
        return run(command, directory / "log", TOKEN, tree=True).memory
