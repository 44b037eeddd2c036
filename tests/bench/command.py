"""The command line of the benchmark, and the table that it prints."""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.bench import Bench
from bench.processes import MeasurementError
from bench.row import Row
from bench.rows import (
    accounts,
    budget,
    burst,
    calls,
    commands,
    cpu,
    facts,
    lag,
    large,
    latency,
    memory,
    metrics,
    million,
    notify,
    pacing,
    pages,
    rate,
    rest,
    scaling,
    start,
    stop,
    web,
    wire,
)
from bench.sizes import FULL, QUICK
from bench.tables import README, replaced, table

ROWS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "calls": calls.rows,
    "cpu": cpu.rows,
    "rate": rate.rows,
    "scaling": scaling.rows,
    "wire": wire.rows,
    "budget": budget.alone,
    "shared-budget": budget.shared,
    "start": start.rows,
    "commands": commands.rows,
    "large": large.rows,
    "pages": pages.rows,
    "million": million.rows,
    "accounts": accounts.rows,
    "memory": memory.rows,
    "latency": latency.rows,
    "web": web.rows,
    "burst": burst.rows,
    "lag": lag.rows,
    "stop": stop.rows,
    "rest": rest.rows,
    "metrics": metrics.rows,
    "facts": facts.rows,
    "pacing": pacing.rows,
    "notify": notify.rows,
}


def main() -> None:
    options = _options()
    began = time.monotonic()
    options.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as scratch:
        sizes = QUICK if options.quick else FULL
        bench = Bench(sizes, Path(scratch), options.cache.resolve())
        tables = {name: list(_measure(bench, name)) for name in options.row or ROWS}
    rows = [row for found in tables.values() for row in found]
    seconds = time.monotonic() - began
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores"
    print(table(rows))
    print(f"\n{machine}, {seconds:.0f} s", end="")
    print(", quick: the figures are not meaningful" if options.quick else "", flush=True)
    if options.write:
        page = README.read_text("utf-8")
        measured = f"{machine}, {time.strftime('%Y-%m-%d')}."
        README.write_text(replaced(page, tables, measured), "utf-8")
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
        "--write", action="store_true", help="also write the tables to tests/bench/README.md"
    )
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
        help="directory of the generated files, about 12 GB, kept for the next run"
        " (default: %(default)s)",
    )
    options = parser.parse_args()
    for name in options.row:
        if name not in ROWS:
            parser.error(f"unknown row {name}; the rows are {', '.join(ROWS)}")
    if options.write and options.quick:
        parser.error("--write needs the full sizes: the figures of --quick are not meaningful")
    return options


def _measure(bench: Bench, name: str) -> Iterator[Row]:
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
