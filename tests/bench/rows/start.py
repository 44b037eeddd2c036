"""A start over an unchanged tree, compared with other tools that read every file's metadata."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from bench.bench import Bench
from bench.daemon import TOKEN, syncd, write_config
from bench.processes import MeasurementError, Run, run, run_in_rounds, running
from bench.row import Goal, Row
from bench.running_sink import sink
from bench.trees import HeldTree, held_tree

_TOOLS = ("find", "rsync", "rclone")
_BACKFILL, _DAEMON = 1.7, 2.5  # of the time of find


def rows(bench: Bench) -> Iterator[Row]:
    for count in bench.sizes.trees:
        found = _starts(bench, count)
        by_syncd = found.pop("syncd")
        bench.results[f"start {count}"] = by_syncd
        absent = [tool for tool in _TOOLS if shutil.which(tool) is None]
        note = f"no {', no '.join(absent)} here" if absent else ""
        peers = [(name, peer.wall) for name, peer in found.items()]
        what = f"start with nothing changed, {count:,} files"
        goals = (None, None) if "find" in absent else (Goal(_BACKFILL), Goal(_DAEMON))
        yield Row(f"{what}, backfill, to its exit", by_syncd.wall, "s", peers, goals[0], note)
        yield Row(f"{what}, the scan in it", scan_seconds(by_syncd), "s", peers[:1])
        daemon = _daemon_start(bench, count)
        yield Row(f"{what}, run, to the end of the scan", daemon, "s", peers[:1], goals[1])
        peers = [(name, peer.cpu) for name, peer in found.items()]
        yield Row(f"{what}, CPU", by_syncd.cpu, "s", peers)


def unchanged(bench: Bench, count: int) -> Run:
    """Return the run of a start over a tree of `count` files; it is measured once."""
    key = f"start {count}"
    if key not in bench.results:
        bench.results[key] = _starts(bench, count, peers=False)["syncd"]
    found = bench.results[key]
    assert isinstance(found, Run)
    return found


def _starts(bench: Bench, count: int, *, peers: bool = True) -> dict[str, Run]:
    tree = held_tree(bench, count)
    directory = bench.new_directory("start")
    with sink() as server:
        config = write_config(directory, server.url, {"bench": tree.tree}, ledger=tree.ledger)

        def start() -> Run:
            done = run(syncd("backfill", "--config", config), directory / "log", TOKEN, tree=True)
            if server.count().posts or " new_or_changed=0 " not in done.log:
                raise MeasurementError("the tree was not in sync: remove the ledgers in --cache")
            return done

        commands: dict[str, Callable[[], Run]] = {"syncd": start}
        if peers:
            commands |= _peers(directory, tree)
        # Fills the page cache, so that no command starts with a cold one.
        run(["find", str(tree.tree), "-printf", ""], directory / "log")
        return run_in_rounds(commands, bench.sizes.rounds)


def _daemon_start(bench: Bench, count: int) -> float:
    """Return the median of the seconds until the first scan of `syncd run` has ended."""
    return median(_first_scan(bench, count) for _ in range(bench.sizes.rounds))


def _first_scan(bench: Bench, count: int) -> float:
    tree, directory = held_tree(bench, count), bench.new_directory("daemon-start")
    with sink() as server:
        config = write_config(directory, server.url, {"bench": tree.tree}, ledger=tree.ledger)
        began = time.monotonic()
        with running(syncd("run", "--config", config), directory / "log", TOKEN) as child:
            child.wait_until(lambda: child.has_logged("scan.done"))
            return time.monotonic() - began


def _peers(directory: Path, tree: HeldTree) -> dict[str, Callable[[], Run]]:
    source, copy = f"{tree.tree}/", f"{tree.mirror}/"
    commands = {
        "find -printf": ["find", source, "-printf", r"%D %i %s %T@ %C@ %p\n"],
        "rsync -n -a": ["rsync", "-n", "-a", source, copy],
        "rclone sync --dry-run": ["rclone", "--config", "", "sync", "--dry-run", source, copy],
    }

    def runner(command: list[str]) -> Callable[[], Run]:
        return lambda: run(command, directory / "peer")

    return {name: runner(c) for name, c in commands.items() if shutil.which(c[0])}


def scan_seconds(start: Run) -> float:
    found = re.findall(r"event=scan\.done .*?seconds=([\d.]+)", start.log)
    if not found:
        raise MeasurementError("the log has no scan")
    return median(map(float, found))
