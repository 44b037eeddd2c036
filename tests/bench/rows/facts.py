"""Facts per second that the ledger makes durable."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from statistics import median

from bench.bench import Bench
from bench.processes import run
from bench.row import Goal, Row

_GOAL = Goal(20_000, at_most=False, of_figure=True)


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
    yield Row("images held, made durable", found["held"], "/s", peer, _GOAL, "32 workers wait")
    yield Row("files read, made durable", found["read"], "/s", peer, _GOAL, "2 readers wait")


def _rate(bench: Bench, module: str, *words: str) -> float:
    directory = bench.new_directory("facts")
    arguments = [str(directory / word) if word.endswith(".db") else word for word in words]
    run([sys.executable, "-m", module, *arguments], directory / "log")
    return float((directory / "log.out").read_text())
