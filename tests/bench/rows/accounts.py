"""Hundreds of accounts at once, of which some are throttled, some forbidden, some without a token.

A tenth of the accounts fails in these three ways. Files are written into the folder of a healthy
account while the others are filled.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

from bench import pictures
from bench.bench import Bench
from bench.daemon import NO_LIMIT, TOKEN, syncd
from bench.processes import Child, MeasurementError, memory, running
from bench.row import Goal, Row
from bench.rows.rest import CALM, Use, descriptors, use
from bench.running_sink import RunningSink, sink

_ERRORS = {0: 80004, 1: 200, 2: 190}
"""The errors of the accounts whose number has this rest: throttled, forbidden, a dead token."""
_EVERY = 30  # accounts, of which each error has one

_PREFIX = "probe-"  # of the names of the files whose latency is measured
_FIRST = 62_000_000  # distinct from the numbers of all other rows
_SETTLE = 0.2  # seconds
_APART = 0.1  # seconds between two of them


@dataclass(kw_only=True)
class _Filling:
    """The daemon until every healthy account has its images, and then at rest."""

    seconds: float = 0.0
    cpu: float = 0.0
    memory: float = 0.0  # MB, the highest
    descriptors: int = 0
    images: int = 0  # of the healthy accounts
    latencies: list[float] = field(default_factory=list)  # milliseconds
    wakeups_at_rest: float = 0.0  # a second
    cpu_at_rest: float = 0.0  # percent of a core


def rows(bench: Bench) -> Iterator[Row]:
    count, images = bench.sizes.accounts
    few = _measure(bench, count // 10, images, at_rest=False)
    many = _measure(bench, count, images, at_rest=True)
    what = f"{count} accounts with {images:,} images each, a tenth of them failing"
    if len(many.latencies) < 2:
        raise MeasurementError("the accounts were filled before files could be written")
    cuts = quantiles(many.latencies, n=20, method="inclusive")
    note = f"{many.images:,} images, CPU {many.cpu:.0f} s"
    yield Row(f"{what}: until the healthy ones have all", many.seconds, "s", note=note)
    for how, figure, unit, bound in (
        ("peak memory", many.memory, "MB", 100),
        ("open descriptors", many.descriptors, "", 300),
        ("file closed → uploaded, p95", cuts[18], "ms", 1000),
        ("at rest: CPU", many.cpu_at_rest, "% of a core", 0.6),
        ("at rest: wakeups of all threads", many.wakeups_at_rest, "/s", 150),
    ):
        yield Row(f"{what}: {how}", figure, unit, goal=Goal(bound, of_figure=True))
    yield Row(f"{what}: file closed → uploaded, p50", cuts[9], "ms")
    fewer = [(f"{count // 10} accounts", 1e6 * few.cpu / few.images)]
    yield Row(f"{what}: CPU per image", 1e6 * many.cpu / many.images, "µs", fewer, Goal(1.2))


def _measure(bench: Bench, count: int, images: int, *, at_rest: bool) -> _Filling:
    bench.log(f"  {count} accounts")
    errors = {n: _ERRORS[n % _EVERY] for n in range(1, count + 1) if n % _EVERY in _ERRORS}
    directory, drop = bench.new_directory("accounts"), bench.new_directory("drop")
    found = _Filling(images=(count - len(errors)) * images)
    with sink(arrivals=_PREFIX, errors=errors) as server:
        config = _write_config(bench, directory, server, drop, (count, images))
        tokens = {f"{next(iter(TOKEN))}_{n}": f"dead-{n}" for n in errors}
        began = time.monotonic()
        with running(syncd("run", "--config", config), directory / "log", TOKEN | tokens) as child:
            _fill(found, child, server, drop)
            found.seconds = time.monotonic() - began
            found.cpu = use(child.process.pid).cpu
            if not at_rest:
                return found
            time.sleep(min(CALM, bench.sizes.rest_seconds))
            before, at = use(child.process.pid), time.monotonic()
            time.sleep(bench.sizes.rest_seconds)
            _rest(found, before, use(child.process.pid), time.monotonic() - at)
    return found


def _fill(found: _Filling, child: Child, server: RunningSink, drop: Path) -> None:
    """Write files one after the other, until every healthy account has its images."""
    child.wait_until(lambda: server.count().posts > 0)
    closed: dict[str, float] = {}

    def is_filled() -> bool:
        name = f"{_PREFIX}{len(closed)}.png"
        (drop / name).write_bytes(pictures.tiny(_FIRST + len(closed)))
        closed[name] = time.monotonic()
        found.memory = max(found.memory, memory(child.process.pid))
        found.descriptors = max(found.descriptors, descriptors(child.process.pid)[1])
        time.sleep(_APART)
        return server.count().images >= found.images + len(server.arrivals())

    child.wait_until(is_filled)
    child.wait_until(lambda: closed.keys() <= server.arrivals().keys(), 60)
    arrivals = server.arrivals()
    found.latencies = [1000 * (arrivals[name] - at - _SETTLE) for name, at in closed.items()]


def _rest(found: _Filling, before: Use, after: Use, seconds: float) -> None:
    found.wakeups_at_rest = (after.wakeups - before.wakeups) / seconds
    found.cpu_at_rest = 100 * (after.cpu - before.cpu) / seconds


def _write_config(
    bench: Bench, directory: Path, server: RunningSink, drop: Path, size: tuple[int, int]
) -> Path:
    """Write a configuration of accounts with a folder each; account 3 has `drop`, too."""
    count, images = size
    variable = next(iter(TOKEN))
    tables = [f'[folders.drop]\npath = "{drop}"\naccount = "a3"\n']
    for number in range(1, count + 1):
        tree = bench.cache / f"tree-of-account-{number}-{images}"
        pictures.tiny_tree(tree, images, 100_000_000 + number * images)
        token = f'token = {{ env = "{variable}_{number}" }}\n' if number % _EVERY == 2 else ""
        tables.append(
            f'[accounts.a{number}]\nid = "act_{number}"\n{NO_LIMIT}\n{token}'
            f'[folders.f{number}]\npath = "{tree}"\naccount = "a{number}"\n'
        )
    file = directory / "config.toml"
    file.write_text(
        f'[graph]\nversion = "v25.0"\nbase_url = "{server.url}"\n'
        f'token = {{ env = "{variable}" }}\n'
        f'[ledger]\npath = "{directory / "ledger.db"}"\n'
        f'[watch]\nsettle = "{1000 * _SETTLE:g}ms"\n' + "".join(tables)
    )
    return file
