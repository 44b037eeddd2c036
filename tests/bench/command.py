"""The command line of the benchmark, and the table that it prints."""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from bench.bench import Bench
from bench.processes import MeasurementError
from bench.row import HEAD, Row
from bench.rows import (
    budget,
    burst,
    calls,
    cpu,
    facts,
    lag,
    latency,
    memory,
    pacing,
    rate,
    start,
    stop,
    wire,
)
from bench.sizes import FULL, QUICK

ROWS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "calls": calls.rows,
    "cpu": cpu.rows,
    "rate": rate.rows,
    "wire": wire.rows,
    "budget": budget.alone,
    "shared-budget": budget.shared,
    "start": start.rows,
    "memory": memory.rows,
    "latency": latency.rows,
    "burst": burst.rows,
    "lag": lag.rows,
    "stop": stop.rows,
    "facts": facts.rows,
    "pacing": pacing.rows,
}


def main() -> None:
    options = _options()
    began = time.monotonic()
    options.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as scratch:
        sizes = QUICK if options.quick else FULL
        bench = Bench(sizes, Path(scratch), options.cache.resolve())
        rows = list(_measure(bench, options.row or ROWS))
    seconds = time.monotonic() - began
    print(_table(rows))
    print(f"\nPython {platform.python_version()}, {os.cpu_count()} cores, {seconds:.0f} s", end="")
    print(", quick: the figures are not meaningful" if options.quick else "", flush=True)
    if options.json is not None:
        options.json.write_text(
            json.dumps(
                {
                    "python": platform.python_version(),
                    "cores": os.cpu_count(),
                    "quick": options.quick,
                    "seconds": round(seconds, 1),
                    "rows": [row.as_json() for row in rows],
                },
                indent=2,
                ensure_ascii=False,
            )
            + "\n"
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python tests/bench",
        description="Compare the speed of syncd with that of other tools on this machine.",
    )
    parser.add_argument("row", nargs="*", metavar="ROW", help=f"one of {', '.join(ROWS)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the table as JSON")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="run small sizes, in about a minute, to test the benchmark itself",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        default=Path(tempfile.gettempdir()) / "syncd-bench",
        help="directory of the generated files, about 10 GB, kept for the next run"
        " (default: %(default)s)",
    )
    options = parser.parse_args()
    for name in options.row:
        if name not in ROWS:
            parser.error(f"unknown row {name}; the rows are {', '.join(ROWS)}")
    return options


def _measure(bench: Bench, names: Iterable[str]) -> Iterator[Row]:
    for name in names:
        bench.log(f"{name} …")
        began = time.monotonic()
        try:
            for row in ROWS[name](bench):
                bench.log(f"  {' | '.join(row.cells())}")
                yield row
        except MeasurementError as failed:
            bench.log(f"  {failed}")
            yield Row(name, note=f"not measured: {failed}")
        bench.log(f"  {time.monotonic() - began:.0f} s")


def _table(rows: list[Row]) -> str:
    lines = [HEAD, ["---"] * len(HEAD), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
