"""A burst of files in new nested directories: how many are missed, and the time to the last."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from bench.bench import Bench
from bench.daemon import TOKEN, syncd, write_config
from bench.processes import ROOT, MeasurementError, environ, running
from bench.row import Goal, Row
from bench.running_sink import sink

_FIRST = 70_000_000
_QUIET = 15.0  # seconds without a new file in the ledger, after which the row gives up


@dataclass(frozen=True)
class _Burst:
    missed: int
    seconds: float


def rows(bench: Bench) -> Iterator[Row]:
    count = bench.sizes.burst
    by_syncd = _by_syncd(bench)
    libraries = {
        name: _by_library(bench, name)
        for name in ("watchfiles", "watchdog")
        if find_spec(name) is not None
    }
    note = "" if "watchdog" in libraries else "watchdog is not installed"
    yield Row(
        f"{count:,} files in a burst: images missed",
        by_syncd.missed,
        "",
        [(f"{name} alone", library.missed) for name, library in libraries.items()],
        Goal(0, of_figure=True),
        note,
    )
    yield Row(
        f"{count:,} files in a burst: until the last is in the ledger",
        by_syncd.seconds,
        "s",
        [(f"{name}'s last event", library.seconds) for name, library in libraries.items()],
        Goal(10, of_figure=True),
        "settle 200 ms, during uploads",
    )


def _by_syncd(bench: Bench) -> _Burst:
    directory, folder = bench.new_directory("burst"), bench.new_directory("folder")
    with sink() as server:
        config = write_config(
            directory, server.url, {"bench": folder}, more='[watch]\nsettle = "200ms"'
        )
        with running(syncd("run", "--config", config), directory / "log", TOKEN) as child:
            child.wait_until(lambda: child.has_logged("scan.done"))
            closed = _write_burst(folder, bench.sizes.burst)
            read, changed = _read_files(directory), time.monotonic()
            while read < bench.sizes.burst and time.monotonic() - changed < _QUIET:
                time.sleep(0.05)
                if (now := _read_files(directory)) != read:
                    read, changed = now, time.monotonic()
    return _Burst(bench.sizes.burst - read, max(0.0, changed - closed))


def _read_files(directory: Path) -> int:
    with closing(sqlite3.connect(f"file:{directory}/ledger.db?mode=ro", uri=True)) as db:
        (count,) = db.execute("SELECT count(*) FROM file WHERE image_id IS NOT NULL").fetchone()
        return int(count)


def _by_library(bench: Bench, name: str) -> _Burst:
    folder = bench.new_directory("folder")
    command = [sys.executable, "-m", "bench.peers.watchers", name, str(folder)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environ(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        if not process.stdout.readline():
            raise MeasurementError(f"{name} did not start")
        closed = _write_burst(folder, bench.sizes.burst)
        time.sleep(5)  # by then the last event has arrived
        process.terminate()
        report = json.loads(process.communicate()[0])
    finally:
        process.kill()
        process.wait()
    return _Burst(bench.sizes.burst - report["names"], max(0.0, report["last"] - closed))


def _write_burst(folder: Path, count: int) -> float:
    command = [
        sys.executable,
        "-m",
        "bench.peers.burst_writer",
        str(folder),
        str(count),
        str(_FIRST),
    ]
    done = subprocess.run(command, cwd=ROOT, env=environ(), check=True, capture_output=True)
    return float(done.stdout)
