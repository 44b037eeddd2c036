"""A start over a tree where nothing changed, against tools that look at every file too."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from bench.bench import Bench
from bench.daemon import TOKEN, syncd, write_config
from bench.processes import Failed, Run, paired, run
from bench.row import Goal, Row
from bench.running_sink import sink
from bench.trees import Known, known

_TOOLS = ("find", "rsync", "rclone")


def rows(bench: Bench) -> Iterator[Row]:
    for count in bench.sizes.trees:
        found = _starts(bench, count)
        mine = found.pop("syncd")
        bench.kept[f"start {count}"] = mine
        absent = [tool for tool in _TOOLS if shutil.which(tool) is None]
        note = f"no {', no '.join(absent)} here" if absent else ""
        peers = [(name, one.wall) for name, one in found.items()]
        what = f"start with nothing changed, {count:,} files"
        goal = Goal(1.2) if "find" not in absent else None
        yield Row(f"{what}, process start to exit", mine.wall, "s", peers, goal, note)
        yield Row(f"{what}, the scan in it", _scan_seconds(mine), "s", peers[:1], goal)
        yield Row(f"{what}, CPU", mine.cpu, "s", [(name, one.cpu) for name, one in found.items()])


def unchanged(bench: Bench, count: int) -> Run:
    """Return the run of a start over that tree; measures it when it has not been yet."""
    key = f"start {count}"
    if key not in bench.kept:
        bench.kept[key] = _starts(bench, count, peers=False)["syncd"]
    found = bench.kept[key]
    assert isinstance(found, Run)
    return found


def _starts(bench: Bench, count: int, *, peers: bool = True) -> dict[str, Run]:
    tree = known(bench, count)
    place = bench.place("start")
    with sink() as other:
        config = write_config(place, other.url, {"bench": tree.tree}, ledger=tree.ledger)

        def start() -> Run:
            done = run(syncd("backfill", "--config", config), place / "log", TOKEN, tree=True)
            if other.count().posts or " new_or_changed=0 " not in done.log:
                raise Failed("the tree was not in step: remove the ledgers in --cache")
            return done

        ways: dict[str, Callable[[], Run]] = {"syncd": start}
        if peers:
            ways |= _peers(place, tree)
        run(["find", str(tree.tree), "-printf", ""], place / "log")  # all begin with a warm cache
        return paired(ways, bench.sizes.rounds)


def _peers(place: Path, tree: Known) -> dict[str, Callable[[], Run]]:
    source, copy = f"{tree.tree}/", f"{tree.mirror}/"
    commands = {
        "find -printf": ["find", source, "-printf", r"%D %i %s %T@ %C@ %p\n"],
        "rsync -n -a": ["rsync", "-n", "-a", source, copy],
        "rclone sync --dry-run": ["rclone", "--config", "", "sync", "--dry-run", source, copy],
    }

    def way(command: list[str]) -> Callable[[], Run]:
        return lambda: run(command, place / "peer")

    return {name: way(c) for name, c in commands.items() if shutil.which(c[0])}


def _scan_seconds(start: Run) -> float:
    found = re.findall(r"event=scan\.done .*?seconds=([\d.]+)", start.log)
    if not found:
        raise Failed("the log told of no scan")
    return median(map(float, found))
