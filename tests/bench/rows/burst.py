"""Very many files at once in new nested directories: what is missed, and when all is known."""

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
from bench.processes import ROOT, Failed, beside, environ
from bench.row import Goal, Row
from bench.running_sink import sink

_FIRST = 70_000_000
_QUIET = 15.0  # seconds in which nothing new came to be known: nothing more will


@dataclass(frozen=True)
class _Burst:
    missed: int
    seconds: float


def rows(bench: Bench) -> Iterator[Row]:
    count = bench.sizes.burst
    mine = _by_syncd(bench)
    others = {
        name: _by_library(bench, name)
        for name in ("watchfiles", "watchdog")
        if find_spec(name) is not None
    }
    note = "" if "watchdog" in others else "watchdog is not installed"
    yield Row(
        f"{count:,} files in a burst: images missed",
        mine.missed,
        "",
        [(f"{name} alone", other.missed) for name, other in others.items()],
        Goal(0, of_figure=True),
        note,
    )
    yield Row(
        f"{count:,} files in a burst: until the last is in the ledger",
        mine.seconds,
        "s",
        [(f"{name}'s last event", other.seconds) for name, other in others.items()],
        Goal(10, of_figure=True),
        "settle 200 ms, uploading meanwhile",
    )


def _by_syncd(bench: Bench) -> _Burst:
    place, folder = bench.place("burst"), bench.place("folder")
    with sink() as other:
        config = write_config(place, other.url, {"bench": folder}, more='[watch]\nsettle = "200ms"')
        with beside(syncd("run", "--config", config), place / "log", TOKEN) as child:
            child.until(lambda: child.said("scan.done"))
            closed = _plant(folder, bench.sizes.burst)
            known, changed = _known(place), time.monotonic()
            while known < bench.sizes.burst and time.monotonic() - changed < _QUIET:
                time.sleep(0.05)
                if (now := _known(place)) != known:
                    known, changed = now, time.monotonic()
    return _Burst(bench.sizes.burst - known, max(0.0, changed - closed))


def _known(place: Path) -> int:
    with closing(sqlite3.connect(f"file:{place}/ledger.db?mode=ro", uri=True)) as db:
        (count,) = db.execute("SELECT count(*) FROM file WHERE digest IS NOT NULL").fetchone()
        return int(count)


def _by_library(bench: Bench, name: str) -> _Burst:
    folder = bench.place("folder")
    command = [sys.executable, "-m", "bench.peers.watchers", name, str(folder)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environ(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        if not process.stdout.readline():
            raise Failed(f"{name} did not start")
        closed = _plant(folder, bench.sizes.burst)
        time.sleep(5)  # its last event has come by then
        process.terminate()
        told = json.loads(process.communicate()[0])
    finally:
        process.kill()
        process.wait()
    return _Burst(bench.sizes.burst - told["names"], max(0.0, told["last"] - closed))


def _plant(folder: Path, count: int) -> float:
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
