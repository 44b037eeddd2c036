"""The cost of [metrics]: a backfill and a daemon at rest with and without a scrape each 15 s."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench import pictures
from bench.bench import Bench
from bench.daemon import TOKEN, syncd, write_config
from bench.processes import Child, MeasurementError, Run, run, run_in_rounds, running
from bench.row import Goal, Row
from bench.rows.rest import CALM, use, write_accounts
from bench.running_sandbox import sandbox
from bench.running_sink import sink

_INTERVAL = 15.0
_SIZE = 20_000  # bytes of an image
_REQUEST = b"GET /metrics HTTP/1.0\r\nAccept: text/plain; version=0.0.4\r\n\r\n"
_WITHOUT, _WITH = "without", "with"


def rows(bench: Bench) -> Iterator[Row]:
    yield from _backfill(bench)
    yield from _at_rest(bench)


def _backfill(bench: Bench) -> Iterator[Row]:
    count = bench.sizes.images[_SIZE]
    folder = pictures.photograph_folder(bench.cache / f"{_SIZE}-{count}", _SIZE, count)

    def upload(name: str) -> Run:
        directory = bench.new_directory("metrics")
        listen = directory / "metrics.sock"
        more = f'[metrics]\nlisten = "{listen}"' if name == _WITH else ""
        with sink() as server, _scraped(listen):
            config = write_config(directory, server.url, {"bench": folder}, more=more)
            done = run(syncd("backfill", "--config", config), directory / "log", TOKEN)
            images = server.count().images
        if images != count:
            raise MeasurementError(f"{images:,} of {count:,} images arrived")
        return done

    def plain() -> Run:
        return upload(_WITHOUT)

    def measured() -> Run:
        return upload(_WITH)

    done = run_in_rounds({_WITHOUT: plain, _WITH: measured}, bench.sizes.rounds)
    what = f"[metrics], backfill of {count:,} images of 20 KB, whole process"
    cpu = [(f"{_WITHOUT} it", done[_WITHOUT].cpu)]
    yield Row(f"{what}: CPU", done[_WITH].cpu, "s", cpu)
    memory = [(f"{_WITHOUT} it", done[_WITHOUT].memory)]
    yield Row(f"{what}: memory", done[_WITH].memory, "MB", memory)


def _at_rest(bench: Bench) -> Iterator[Row]:
    """Run both daemons at the same time, so that other processes disturb them alike."""
    count, seconds = bench.sizes.rest_accounts, bench.sizes.rest_seconds
    with sandbox("--tier", "unlimited") as server, ExitStack() as stack:
        children: dict[str, Child] = {}
        scrapes: list[int] = []
        for name in (_WITHOUT, _WITH):
            directory = bench.new_directory("metrics")
            listen = directory / "metrics.sock"
            more = f'[metrics]\nlisten = "{listen}"' if name == _WITH else ""
            config = write_accounts(directory, server.url, count, more)
            command = syncd("run", "--config", config)
            children[name] = stack.enter_context(running(command, directory / "log", TOKEN))
            if name == _WITH:
                scrapes = stack.enter_context(_scraped(listen))
        for child in children.values():
            child.wait_until(lambda child=child: child.has_logged("scan.done", count))  # type: ignore[misc]
        children[_WITH].wait_until(lambda: bool(scrapes))
        time.sleep(min(CALM, seconds))
        before = {name: use(child.process.pid).cpu for name, child in children.items()}
        began = time.monotonic()
        time.sleep(seconds)
        elapsed = time.monotonic() - began
        cpu = {
            name: 100 * (use(child.process.pid).cpu - before[name]) / elapsed
            for name, child in children.items()
        }
        memory = {name: _memory(child.process.pid) for name, child in children.items()}
    what = (
        f"[metrics], at rest, {count} accounts, a scrape of {scrapes[-1] / 1000:.0f} KB each 15 s"
    )
    yield Row(
        f"{what}: CPU", cpu[_WITH], "% of a core", [(f"{_WITHOUT} it", cpu[_WITHOUT])],
    )  # fmt: skip
    added = memory[_WITH] - memory[_WITHOUT]
    note = f"{memory[_WITHOUT]:.0f} MB {_WITHOUT} it"
    yield Row(f"{what}: more memory", added, "MB", goal=Goal(30, of_figure=True), note=note)


@contextmanager
def _scraped(listen: Path) -> Iterator[list[int]]:
    """Scrape a unix socket in the block, every 15 s once it exists; yield the sizes in bytes."""
    stop, sizes = threading.Event(), list[int]()

    def scrape() -> None:
        wait = 0.0
        while not stop.wait(wait):
            try:
                sizes.append(_fetch(listen))
                wait = _INTERVAL
            except OSError:
                wait = 0.05

    thread = threading.Thread(target=scrape, daemon=True)
    thread.start()
    try:
        yield sizes
    finally:
        stop.set()
        thread.join()


def _fetch(listen: Path) -> int:
    """Return the size of a response with metrics; raise OSError without one."""
    size = 0
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10.0)
        connection.connect(str(listen))
        connection.sendall(_REQUEST)
        while found := connection.recv(65536):
            size += len(found)
    return size


def _memory(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise MeasurementError("the kernel does not report the memory")
