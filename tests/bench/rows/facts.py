"""The ledger: facts per second that it makes durable, and what an image costs it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from statistics import median

from bench.bench import Bench
from bench.processes import run
from bench.row import Goal, Row

_HELD = Goal(20_000, at_most=False, of_figure=True)
_READ = Goal(35_000, at_most=False, of_figure=True)
_EMPTY_CPU = Goal(30, of_figure=True)
_FULL_CPU = Goal(60, of_figure=True)
_BYTES = Goal(350, of_figure=True)
_STEP = Goal(100, of_figure=True)


def rows(bench: Bench) -> Iterator[Row]:
    facts, commits = str(bench.sizes.facts), str(bench.sizes.commits)
    measures: dict[str, Callable[[], float]] = {
        "held": lambda: _rate(bench, "bench.inside.ledger_rate", "held", "ledger.db", facts),
        "read": lambda: _rate(bench, "bench.inside.ledger_rate", "read", "ledger.db", facts),
        "one": lambda: _rate(bench, "bench.peers.single_commits", "peer.db", commits),
    }
    found = {
        name: median(rates)
        for name, rates in zip(
            measures,
            zip(
                *([measure() for measure in measures.values()] for _ in range(bench.sizes.rounds)),
                strict=True,
            ),
            strict=True,
        )
    }
    peer = [("one aiosqlite commit each", found["one"])]
    yield Row("images held, made durable", found["held"], "/s", peer, _HELD, "32 workers wait")
    yield Row("files read, made durable", found["read"], "/s", peer, _READ, "2 readers wait")
    yield from _costs(bench)


def _costs(bench: Bench) -> Iterator[Row]:
    sizes, directory = bench.sizes, bench.new_directory("cost")
    run(
        [
            sys.executable,
            *("-m", "bench.inside.ledger_cost", str(directory / "ledger.db")),
            *(str(sizes.ledger_files), str(sizes.facts // 2)),
        ],
        directory / "log",
    )
    found: dict[str, float] = json.loads((directory / "log.out").read_text())
    full = f"{2 * sizes.ledger_files:,} replicas"
    two = "two accounts"
    for what, key, factor, unit, goal, note in (
        ("ledger CPU per image", "empty_cpu", 1e6, "µs", _EMPTY_CPU, "empty"),
        ("ledger CPU per image", "full_cpu", 1e6, "µs", _FULL_CPU, full),
        ("ledger bytes per file, recorded", "recorded_bytes", 1, "bytes", _BYTES, two),
        ("ledger bytes per file, held", "held_bytes", 1, "bytes", _BYTES, two),
        ("longest write after a route is added", "route_added", 1e3, "ms", _STEP, full),
        ("longest write after a route is removed", "route_removed", 1e3, "ms", _STEP, full),
        (
            "longest write after a route is removed, the account holds its images",
            *("held_route_removed", 1e3, "ms", _STEP, full),
        ),
    ):
        yield Row(what, found[key] * factor, unit, [], goal, note)


def _rate(bench: Bench, module: str, *words: str) -> float:
    directory = bench.new_directory("facts")
    arguments = [str(directory / word) if word.endswith(".db") else word for word in words]
    run([sys.executable, "-m", module, *arguments], directory / "log")
    return float((directory / "log.out").read_text())
