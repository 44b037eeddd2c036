"""CPU time per image of backfills of different sizes: it does not grow with their number."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from bench import pictures
from bench.bench import Bench
from bench.daemon import TOKEN, syncd, write_config
from bench.processes import MeasurementError, run
from bench.row import Goal, Row
from bench.running_sink import sink

_FLAT = 1.1


def rows(bench: Bench) -> Iterator[Row]:
    begin = _cost(bench, 1)
    costs = {count: _cost(bench, count) - begin for count in bench.sizes.backfills}
    first, *_ = costs
    for count, seconds in costs.items():
        figure = 1e6 * seconds / count
        peers = [] if count == first else [(f"{first:,} images", 1e6 * costs[first] / first)]
        goal = Goal(_FLAT) if peers else None
        what = f"CPU per image of a backfill of {count:,} tiny files, without its start"
        yield Row(what, figure, "µs", peers, goal)


def _cost(bench: Bench, count: int) -> float:
    """Return the CPU seconds of a backfill of `count` files, from the start to the exit."""
    tree = pictures.tiny_tree(bench.cache / f"tree-{count}", count)
    seconds = []
    for _ in range(bench.sizes.rounds):
        directory = bench.new_directory("scaling")
        with sink() as server:
            config = write_config(directory, server.url, {"bench": tree})
            done = run(syncd("backfill", "--config", config), directory / "log", TOKEN)
            images = server.count().images
        if images != count:
            raise MeasurementError(f"{images:,} of {count:,} images arrived")
        seconds.append(done.cpu)
    return median(seconds)
