"""A folder of a million files with two mirrors: its backfill, a restart, and commands.

The cost of a file is that of a smaller folder: nothing grows faster than linearly.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench import pictures
from bench.bench import Bench
from bench.daemon import NO_LIMIT, TOKEN, syncd, write_config
from bench.processes import MeasurementError, Run, run, run_in_rounds
from bench.row import Goal, Row
from bench.rows.start import scan_seconds
from bench.running_sink import RunningSink, sink

_MIRRORS = ("eu", "us")
_ACCOUNTS = 1 + len(_MIRRORS)
_LINEAR = Goal(1.2)
_MEMORY = Goal(100, of_figure=True)  # MB
_CALLS = Goal(0.04, of_figure=True)  # per image, as in the row `calls`
_STATUS, _FIND = Goal(1, of_figure=True), Goal(0.3, of_figure=True)  # seconds, as in `large`
_WAL = Goal(64, of_figure=True)  # MB
_SAMPLE = 0.05  # seconds between two readings of the size of the WAL


@dataclass(frozen=True)
class _Measured:
    """What one folder took; `runs` has the commands after its backfill, by their names."""

    files: int
    backfill: Run
    posts: int
    ledger: int  # bytes
    wal: int  # bytes, the largest size
    runs: dict[str, Run] = field(default_factory=dict)
    exported: int = 0  # lines


def rows(bench: Bench) -> Iterator[Row]:
    begin, *measured = (_measure(bench, count) for count in (1, *bench.sizes.many))
    yield from _figures(measured[-1])
    yield from _ratios(begin, measured)


def _figures(of: _Measured) -> Iterator[Row]:
    files = f"{of.files:,} files, {_ACCOUNTS} accounts"
    replicas = of.files * _ACCOUNTS
    first, again, export = of.backfill, of.runs["restart"], of.runs["export"]
    yield Row(f"first backfill, {files}", first.wall, "s", note=f"CPU {first.cpu:.0f} s")
    note = "digests, during the uploads"
    yield Row(f"first backfill, {files}: its scan", scan_seconds(first), "s", note=note)
    yield Row(f"first backfill, {files}: images per second", replicas / first.wall, "/s")
    yield Row(f"first backfill, {files}: peak memory", first.memory, "MB", goal=_MEMORY)
    yield Row(f"first backfill, {files}: calls per image", of.posts / replicas, goal=_CALLS)
    yield Row(f"first backfill, {files}: largest WAL", of.wal / 1e6, "MB", goal=_WAL)
    yield Row(f"ledger, {files}", of.ledger / 1e6, "MB")
    yield Row(f"restart, nothing changed, {files}", again.wall, "s", note=f"CPU {again.cpu:.1f} s")
    yield Row(f"restart, nothing changed, {files}: peak memory", again.memory, "MB", goal=_MEMORY)
    for name, goal in (("status", _STATUS), ("find, a path", _FIND), ("find, a name", _FIND)):
        done = of.runs[name]
        yield Row(f"syncd {name}, {files}", done.wall, "s", goal=goal, note=f"CPU {done.cpu:.2f} s")
    lines = f"CPU {export.cpu:.1f} s, {of.exported:,} lines"
    yield Row(f"syncd export, whole, {files}", export.wall, "s", note=lines)
    yield Row(f"syncd export, whole, {files}: peak memory", export.memory, "MB", goal=_MEMORY)


def _ratios(begin: _Measured, measured: list[_Measured]) -> Iterator[Row]:
    """Yield the cost of a file in each folder, beyond that of one file, against the smallest."""
    smallest, *larger = (_per_file(one, begin) for one in measured)
    for one, costs in zip(measured[1:], larger, strict=True):
        for what, (figure, unit) in costs.items():
            against = [(f"{measured[0].files:,} files", smallest[what][0])]
            yield Row(f"{what} per file, {one.files:,} files", figure, unit, against, _LINEAR)


def _per_file(one: _Measured, begin: _Measured) -> dict[str, tuple[float, str]]:
    def cpu(name: str) -> tuple[float, str]:
        return 1e6 * (one.runs[name].cpu - begin.runs[name].cpu) / one.files, "µs"

    return {
        "first backfill: CPU": (1e6 * (one.backfill.cpu - begin.backfill.cpu) / one.files, "µs"),
        "first backfill: time": (1e6 * (one.backfill.wall - begin.backfill.wall) / one.files, "µs"),
        "restart: CPU": cpu("restart"),
        "export: CPU": cpu("export"),
        "ledger": ((one.ledger - begin.ledger) / one.files, "bytes"),
    }


def _measure(bench: Bench, files: int) -> _Measured:
    bench.log(f"  {files:,} files")
    tree = pictures.tiny_tree(bench.cache / f"tree-{files}", files)
    directory = bench.new_directory("million")
    ledger, log = directory / "ledger.db", directory / "log"
    with sink() as server:
        config = _write_config(directory, server, tree)
        with _largest(ledger.with_name(f"{ledger.name}-wal")) as wal:
            first = run(syncd("backfill", "--config", config), log, TOKEN, tree=True)
        sent = server.count()
        if sent.images != files * _ACCOUNTS:
            raise MeasurementError(f"{sent.images:,} of {files * _ACCOUNTS:,} images arrived")
        size = ledger.stat().st_size
        path = next(tree.rglob("*.png"))
        commands = {
            "restart": ("backfill",),
            "status": ("status",),
            "find, a path": ("find", path),
            "find, a name": ("find", path.name),
            "export": ("export",),
        }
        runs = {
            name: partial(run, syncd(*words, "--config", config), log, TOKEN, tree=True)
            for name, words in commands.items()
        }
        rounds = 1 if files == max(bench.sizes.many) else bench.sizes.rounds
        found = run_in_rounds(runs, rounds)
        if server.count().posts != sent.posts:
            raise MeasurementError("the restart sent images again")
    with log.with_suffix(".out").open("rb") as exported:
        lines = sum(1 for _ in exported) - 1
    if lines != files * _ACCOUNTS:
        raise MeasurementError(f"{lines:,} of {files * _ACCOUNTS:,} lines were exported")
    return _Measured(files, first, sent.posts, size, max(wal), found, lines)


def _write_config(directory: Path, server: RunningSink, tree: Path) -> Path:
    accounts = "\n".join(
        f'[accounts.{name}]\nid = "act_{number}"\n{NO_LIMIT}'
        for number, name in enumerate(_MIRRORS, start=2)
    )
    folder = f'[folders.bench]\npath = "{tree}"\naccount = "main"\nmirrors = {list(_MIRRORS)}'
    return write_config(directory, server.url, {}, more=f"{accounts}\n{folder}")


@contextmanager
def _largest(file: Path) -> Iterator[list[int]]:
    """Yield the sizes of a file that may not exist, which a thread reads until the block ends."""
    ended, sizes = threading.Event(), [0]

    def sample() -> None:
        while not ended.wait(_SAMPLE):
            with suppress(FileNotFoundError):
                sizes.append(file.stat().st_size)

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield sizes
    finally:
        ended.set()
        thread.join()
