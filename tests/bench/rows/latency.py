"""From a file's closing to the answer that holds it, beyond the settle time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles

from bench import pictures
from bench.bench import Bench
from bench.daemon import TOKEN, syncd, write_config
from bench.processes import Child, Failed, beside
from bench.row import Goal, Row
from bench.running_sink import RunningSink, sink

_SETTLE = 0.2  # seconds
_APART = 0.1  # seconds between two files: each comes alone
_FIRST = 60_000_000  # no other row's pictures have such numbers


def rows(bench: Bench) -> Iterator[Row]:
    drop = bench.place("drop")
    with _daemon(bench, {"drop": drop}) as (child, other):
        child.until(lambda: child.said("scan.done"))
        idle = _latencies(bench, child, other, drop)
    yield from _figures("idle", idle, 100)
    drop, count = bench.place("drop"), bench.sizes.backfill
    tree = pictures.grow(bench.cache / f"tree-{count}", count)
    with _daemon(bench, {"drop": drop, "bench": tree}) as (child, other):
        child.until(lambda: other.count().posts > 0)
        busy = _latencies(bench, child, other, drop)
        whole = other.count().images >= count + len(busy)
    note = "the backfill ended before the last of them" if whole else ""
    yield from _figures(f"during a backfill of {count:,} files", busy, 1000, note)


@contextmanager
def _daemon(bench: Bench, folders: dict[str, Path]) -> Iterator[tuple[Child, RunningSink]]:
    place = bench.place("latency")
    with sink(arrivals=True) as other:
        config = write_config(
            place, other.url, folders, more=f'[watch]\nsettle = "{1000 * _SETTLE:g}ms"'
        )
        with beside(syncd("run", "--config", config), place / "log", TOKEN) as child:
            child.until(lambda: child.said("watch.ready", len(folders)))
            yield child, other


def _latencies(bench: Bench, child: Child, other: RunningSink, drop: Path) -> list[float]:
    """Drop files one after the other; answers the milliseconds of each."""
    closed: dict[str, float] = {}
    for number in range(_FIRST, _FIRST + bench.sizes.probes):
        name = f"probe-{number}.png"
        (drop / name).write_bytes(pictures.tiny(number))
        closed[name] = time.monotonic()
        time.sleep(_APART)
    try:
        child.until(lambda: closed.keys() <= other.arrivals().keys(), 60)
    except Failed as failed:
        missing = len(closed.keys() - other.arrivals().keys())
        raise Failed(f"{missing} of {len(closed)} files never came: {failed}") from None
    arrivals = other.arrivals()
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
