"""The daemon at rest: 200 accounts with a folder each, in which nothing happens."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.bench import Bench
from bench.daemon import TOKEN, syncd
from bench.processes import Child, running
from bench.row import Goal, Row
from bench.running_sandbox import sandbox

CALM = 10.0  # seconds after the last scan, for what follows the start


def rows(bench: Bench) -> Iterator[Row]:
    count, seconds = bench.sizes.rest_accounts, bench.sizes.rest_seconds
    with sandbox("--tier", "unlimited") as server:
        config = write_accounts(bench.new_directory("rest"), server.url, count)
        with running(syncd("run", "--config", config), config.parent / "log", TOKEN) as child:
            child.wait_until(lambda: child.has_logged("scan.done", count))
            time.sleep(min(CALM, seconds))
            before, began = use(child.process.pid), time.monotonic()
            time.sleep(seconds)
            after, elapsed = use(child.process.pid), time.monotonic() - began
            unwatched = _unwatched(child)
            instances, opened = descriptors(child.process.pid)
    at_rest = f"at rest, {count} accounts with a folder each"
    wakeups = (after.wakeups - before.wakeups) / elapsed
    cpu = 100 * (after.cpu - before.cpu) / elapsed
    for what, figure, unit, bound in (
        ("wakeups of all threads", wakeups, "/s", 150),
        ("CPU", cpu, "% of a core", 0.6),
        ("folders that are not watched", unwatched, "", 0),
        ("open descriptors", opened, "", 300),
        ("inotify instances", instances, "", 1),
    ):
        yield Row(f"{at_rest}: {what}", figure, unit, goal=Goal(bound, of_figure=True))


@dataclass(frozen=True)
class Use:
    """Context switches of all threads, and their CPU time in seconds."""

    wakeups: int
    cpu: float


def use(pid: int) -> Use:
    """Return what a process has used so far."""
    wakeups, cpu = 0, 0.0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            status, used = (task / "status").read_text(), (task / "schedstat").read_text()
        except OSError:  # the thread has ended
            continue
        wakeups += sum(map(int, re.findall(r"ctxt_switches:\s+(\d+)", status)))
        cpu += int(used.split()[0]) / 1e9
    return Use(wakeups, cpu)


def _unwatched(child: Child) -> int:
    """Return how many folders the log reports as not watched."""
    found = child.text()
    return len(set(re.findall(r"event=watch\.(?:limit|degraded) .*?folder=(\S+)", found)))


def descriptors(pid: int) -> tuple[int, int]:
    """Return the numbers of inotify instances and of all open descriptors."""
    links: list[str] = []
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed
            links.append(str(file.readlink()))
    return links.count("anon_inode:inotify"), len(links)


def write_accounts(directory: Path, url: str, count: int, more: str = "") -> Path:
    """Write a configuration of `count` accounts, each with an empty folder."""
    tables = []
    for number in range(1, count + 1):
        folder = directory / f"folders/{number}"
        folder.mkdir(parents=True)
        tables.append(
            f'[accounts.a{number}]\nid = "act_{number}"\n'
            f'[folders.f{number}]\npath = "{folder}"\naccount = "a{number}"\n'
        )
    file = directory / "config.toml"
    file.write_text(
        f'[graph]\nversion = "v25.0"\nbase_url = "{url}"\n'
        f'token = {{ env = "{next(iter(TOKEN))}" }}\n'
        f'[ledger]\npath = "{directory / "ledger.db"}"\n{more}\n' + "".join(tables)
    )
    return file
