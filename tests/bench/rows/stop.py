"""SIGTERM → exit: while sending, while paused, while scanning."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench import pictures
from bench.bench import Bench
from bench.daemon import TOKEN, syncd, write_config
from bench.processes import beside
from bench.row import Goal, Row
from bench.running_sandbox import sandbox
from bench.running_sink import sink
from bench.trees import known

_GOAL = Goal(2, of_figure=True)
_ANSWER = 1.0  # seconds that the other side takes to answer, while it is busy


def rows(bench: Bench) -> Iterator[Row]:
    yield Row("SIGTERM → exit, sending, beyond what is in flight", _busy(bench), "s", goal=_GOAL)
    yield Row("SIGTERM → exit, paused", _paused(bench), "s", goal=_GOAL)
    count = max(bench.sizes.trees)
    what = f"SIGTERM → exit, scanning {count:,} files"
    yield Row(what, _scanning(bench, count), "s", goal=_GOAL)


def _busy(bench: Bench) -> float:
    size = min(bench.sizes.images)
    count = bench.sizes.images[size]
    folder = pictures.fill(bench.cache / f"photographs-{size}-{count}", size, count)
    place = bench.place("stop")
    with sink(delay=_ANSWER) as other:
        config = write_config(place, other.url, {"bench": folder})
        with beside(syncd("run", "--config", config), place / "log", TOKEN) as child:
            child.until(lambda: other.count().posts > 0)
            return max(0.0, child.stop() - _ANSWER)


def _paused(bench: Bench) -> float:
    folder = pictures.grow(bench.cache / "tree-500", 500)
    place = bench.place("stop")
    with sandbox("--tier", "unlimited", "--fault", "80004:seconds=3600:times=1") as other:
        config = write_config(place, other.url, {"bench": folder})
        with beside(syncd("run", "--config", config), place / "log", TOKEN) as child:
            child.until(lambda: child.said("account.paused"))
            time.sleep(0.5)
            return child.stop()


def _scanning(bench: Bench, count: int) -> float:
    tree = known(bench, count)
    place = bench.place("stop")
    with sink() as other:
        config = write_config(place, other.url, {"bench": tree.tree}, ledger=tree.ledger)
        with beside(syncd("run", "--config", config), place / "log", TOKEN) as child:
            child.until(lambda: child.said("watch.ready"))
            time.sleep(min(1.0, count / 1e6))
            return child.stop()
