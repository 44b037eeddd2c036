"""Time from closing a file to the response that confirms its upload, without the settle time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles

from bench import pictures
from bench.bench import Bench
from bench.daemon import TOKEN, syncd, write_config
from bench.processes import Child, MeasurementError, running
from bench.row import Goal, Row
from bench.running_sink import RunningSink, sink

_SETTLE = 0.2  # seconds
_APART = 0.1  # seconds between two files, so that each is uploaded alone
_PREFIX = "probe-"  # of the names of the files
_FIRST = 60_000_000  # distinct from the numbers of all other rows


def rows(bench: Bench) -> Iterator[Row]:
    drop = bench.new_directory("drop")
    with serving(bench, {"drop": drop}) as (child, server):
        child.wait_until(lambda: child.has_logged("scan.done"))
        idle = latencies(bench, child, server, drop)
    yield from _figures("idle", idle, 100)
    drop, count = bench.new_directory("drop"), bench.sizes.backfill
    tree = pictures.tiny_tree(bench.cache / f"tree-{count}", count)
    with serving(bench, {"drop": drop, "bench": tree}) as (child, server):
        child.wait_until(lambda: server.count().posts > 0)
        busy = latencies(bench, child, server, drop)
        ended = server.count().images >= count + len(busy)
    note = "the backfill ended before the last of them" if ended else ""
    yield from _figures(f"during a backfill of {count:,} files", busy, 1000, note)


@contextmanager
def serving(bench: Bench, folders: dict[str, Path]) -> Iterator[tuple[Child, RunningSink]]:
    """Run a daemon with these folders, once it watches them."""
    directory = bench.new_directory("latency")
    with sink(arrivals=_PREFIX) as server:
        config = write_config(
            directory, server.url, folders, more=f'[watch]\nsettle = "{1000 * _SETTLE:g}ms"'
        )
        with running(syncd("run", "--config", config), directory / "log", TOKEN) as child:
            child.wait_until(lambda: child.has_logged("watch.ready", len(folders)))
            yield child, server


def latencies(
    bench: Bench, child: Child, server: RunningSink, drop: Path, first: int = _FIRST
) -> list[float]:
    """Write files one after the other; return the latency of each in milliseconds."""
    closed: dict[str, float] = {}
    for number in range(first, first + bench.sizes.probes):
        name = f"{_PREFIX}{number}.png"
        (drop / name).write_bytes(pictures.tiny(number))
        closed[name] = time.monotonic()
        time.sleep(_APART)
    try:
        child.wait_until(lambda: closed.keys() <= server.arrivals().keys(), 60)
    except MeasurementError as failed:
        missing = len(closed.keys() - server.arrivals().keys())
        raise MeasurementError(
            f"{missing} of {len(closed)} files did not arrive: {failed}"
        ) from None
    arrivals = server.arrivals()
    return [1000 * (arrivals[name] - at - _SETTLE) for name, at in closed.items()]


def _figures(when: str, found: list[float], goal: float, note: str = "") -> Iterator[Row]:
    cuts = quantiles(found, n=20, method="inclusive")
    yield Row(f"file closed → uploaded, {when}, p50", cuts[9], "ms", note=note)
    yield Row(
        f"file closed → uploaded, {when}, p95",
        cuts[18],
        "ms",
        goal=Goal(goal, of_figure=True),
        note=note,
    )
