"""Time from SIGTERM to exit: during uploads, a pause, and a scan."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench import pictures
from bench.bench import Bench
from bench.daemon import TOKEN, syncd, write_config
from bench.processes import running
from bench.row import Goal, Row
from bench.running_sandbox import sandbox
from bench.running_sink import sink
from bench.trees import held_tree

_GOAL = Goal(2, of_figure=True)
_DELAY = 1.0  # seconds before each response of the sink


def rows(bench: Bench) -> Iterator[Row]:
    yield Row("SIGTERM → exit, sending, beyond what is in flight", _busy(bench), "s", goal=_GOAL)
    yield Row("SIGTERM → exit, paused", _paused(bench), "s", goal=_GOAL)
    count = max(bench.sizes.trees)
    what = f"SIGTERM → exit, scanning {count:,} files"
    yield Row(what, _scanning(bench, count), "s", goal=_GOAL)


def _busy(bench: Bench) -> float:
    size = min(bench.sizes.images)
    count = bench.sizes.images[size]
    folder = pictures.photograph_folder(bench.cache / f"photographs-{size}-{count}", size, count)
    directory = bench.new_directory("stop")
    with sink(delay=_DELAY) as server:
        config = write_config(directory, server.url, {"bench": folder})
        with running(syncd("run", "--config", config), directory / "log", TOKEN) as child:
            child.wait_until(lambda: server.count().posts > 0)
            return max(0.0, child.stop() - _DELAY)


def _paused(bench: Bench) -> float:
    folder = pictures.tiny_tree(bench.cache / "tree-500", 500)
    directory = bench.new_directory("stop")
    with sandbox("--tier", "unlimited", "--fault", "80004:seconds=3600:times=1") as server:
        config = write_config(directory, server.url, {"bench": folder})
        with running(syncd("run", "--config", config), directory / "log", TOKEN) as child:
            child.wait_until(lambda: child.has_logged("account.paused"))
            time.sleep(0.5)
            return child.stop()


def _scanning(bench: Bench, count: int) -> float:
    tree = held_tree(bench, count)
    directory = bench.new_directory("stop")
    with sink() as server:
        config = write_config(directory, server.url, {"bench": tree.tree}, ledger=tree.ledger)
        with running(syncd("run", "--config", config), directory / "log", TOKEN) as child:
            child.wait_until(lambda: child.has_logged("watch.ready"))
            time.sleep(min(1.0, count / 1e6))
            return child.stop()
