"""The latency of an upload while browsers read the pages of `syncd web`, next to that without."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from bench.bench import Bench
from bench.daemon import TOKEN, syncd
from bench.processes import MeasurementError, running
from bench.row import Goal, Row
from bench.rows.latency import latencies, serving
from support.tcp import free_port

_READERS = 50
_FIRST = 61_000_000  # distinct from the numbers of all other rows
_APART = 1.0  # seconds between two pages of a reader


def rows(bench: Bench) -> Iterator[Row]:
    first, second = bench.new_directory("drop-alone"), bench.new_directory("drop-read")
    with serving(bench, {"alone": first, "read": second}) as (child, server):
        child.wait_until(lambda: child.has_logged("scan.done", 2))
        alone = median(latencies(bench, child, server, first))
        config = child.log.with_name("config.toml")
        url = f"127.0.0.1:{free_port()}"
        command = ["nice", "-n", "10", *syncd("web", "--listen", url, "--config", config)]
        with running(command, child.log.with_name("web"), TOKEN), _readers(f"http://{url}/library"):
            read = median(latencies(bench, child, server, second, _FIRST))
    yield Row(
        f"file closed → uploaded, {_READERS} readers of syncd web, p50",
        read,
        "ms",
        against=[("no readers", alone)],
        goal=Goal(1.1),
    )


@contextmanager
def _readers(url: str) -> Iterator[None]:
    """Read a page again and again, as many readers do, until the block ends."""
    ended = threading.Event()
    began = time.monotonic()
    while not _is_read(url):
        if time.monotonic() - began > 10:
            raise MeasurementError(f"{url} did not respond")
    threads = [threading.Thread(target=_read_until, args=(url, ended)) for _ in range(_READERS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _read_until(url: str, ended: threading.Event) -> None:
    while not ended.wait(_APART):
        _is_read(url)


def _is_read(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as page:
            return len(page.read()) > 0
    except OSError:  # it does not listen yet
        time.sleep(0.05)
        return False
