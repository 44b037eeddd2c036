"""Lag of the event loop during a rescan of a large tree."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from datetime import datetime
from statistics import quantiles

from bench.bench import Bench
from bench.daemon import TOKEN, write_config
from bench.processes import MeasurementError, running
from bench.row import Goal, Row
from bench.running_sink import sink
from bench.trees import held_tree

_REST = 3.0  # seconds between two scans, for the lag of the idle loop
_DONE = re.compile(r"timestamp=(\S+) .*event=scan\.done .*seconds=([\d.]+)")


def rows(bench: Bench) -> Iterator[Row]:
    count = max(bench.sizes.trees)
    tree = held_tree(bench, count)
    directory = bench.new_directory("lag")
    samples = directory / "samples"
    with sink() as server:
        config = write_config(
            directory,
            server.url,
            {"bench": tree.tree},
            ledger=tree.ledger,
            more=f'[watch]\nrescan = "{_REST:g}s"',
        )
        command = [sys.executable, "-m", "bench.inside.loop_lag", str(config), str(samples)]
        with running(command, directory / "log", TOKEN) as child:
            child.wait_until(lambda: child.has_logged("scan.done", 2))
            child.stop()
    if not samples.exists():
        raise MeasurementError((directory / "log").read_text()[-200:])
    begins, ends = _second_scan((directory / "log").read_text())
    found: list[tuple[float, float]] = json.loads(samples.read_text())
    during = [1000 * lag for at, lag in found if begins <= at <= ends]
    before = [1000 * lag for at, lag in found if begins - _REST + 0.5 <= at < begins]
    yield Row(
        f"event loop's lag, rescan of {count:,} files, p99",
        _p99(during),
        "ms",
        [("the same loop at rest", _p99(before))],
        Goal(5, of_figure=True),
        f"worst {max(during):.0f} ms",
    )


def _second_scan(log: str) -> tuple[float, float]:
    done = _DONE.findall(log)
    if len(done) < 2:
        raise MeasurementError("the log has no second scan")
    ended = datetime.fromisoformat(done[1][0]).timestamp()
    return ended - float(done[1][1]), ended


def _p99(lags: list[float]) -> float:
    if len(lags) < 2:
        raise MeasurementError("too few samples; the scan was too short")
    return quantiles(lags, n=100, method="inclusive")[98]
