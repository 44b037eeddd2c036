"""The pages of `syncd web` on a ledger of a million files, over HTTP.

Where a search examines many images, a page is sent before it is full, with a link that searches on.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from http.client import HTTPConnection
from statistics import median
from urllib.parse import urlencode

from bench.bench import Bench
from bench.daemon import TOKEN, syncd
from bench.inside.large_ledger import DIGEST, FOLDERS, HASH, wanted_file
from bench.processes import DEADLINE, Child, MeasurementError, memory, running
from bench.row import Goal, Row
from bench.rows.large import copy_ledger, daemon, write_config
from bench.running_sink import sink
from support.tcp import free_port

_PAGE, _SEARCH = Goal(100, of_figure=True), Goal(1000, of_figure=True)  # milliseconds
_MEMORY = Goal(100, of_figure=True)  # MB
_TIMES = 10
_MORE = re.compile(r'<a (?=[^>]*id="more")[^>]*href="([^"]+)"')


@dataclass(frozen=True)
class _Read:
    """A page: milliseconds until it was read, its images, and the address of the next one."""

    took: float
    images: int
    more: str | None


def rows(bench: Bench) -> Iterator[Row]:
    files = bench.sizes.large
    directory = bench.new_directory("pages")
    copy_ledger(bench, files, directory)
    listen = f"127.0.0.1:{free_port()}"
    with sink() as server:
        config = write_config(directory, server.url)
        command = syncd("web", "--listen", listen, "--config", config)
        with running(command, directory / "log", TOKEN) as child:
            _wait(child, listen)
            for what, address in _addresses(files).items():
                yield _page(f"{what}, {files:,} files", listen, address, _PAGE)
            for what, address in _searches(files).items():
                found = [_search(listen, address) for _ in range(bench.sizes.rounds)]
                took = median(one.took for one in found)
                note = f"{found[0].images} images"
                whole = f"/library, {what}, until the first of them, {files:,} files"
                yield Row(whole, took, "ms", goal=_SEARCH, note=note)
            yield _page(f"/, the overview, {files:,} files", listen, "/", _SEARCH)
            with daemon(directory, config):
                yield _page(
                    f"/, the overview, the daemon runs, {files:,} files", listen, "/", _PAGE
                )
            used = memory(child.process.pid)
    yield Row(f"syncd web, {files:,} files: memory", used, "MB", goal=_MEMORY)


def _page(what: str, listen: str, address: str, goal: Goal) -> Row:
    took = [_read(listen, address).took for _ in range(_TIMES)]
    return Row(what, median(took), "ms", goal=goal, note=f"worst {max(took):.0f} ms")


def _addresses(files: int) -> Mapping[str, str]:
    """Return the addresses of pages that are sent at once, by what is measured."""
    year = timedelta(days=365)
    now = datetime.now(UTC)
    library: dict[str, dict[str, object]] = {
        "library": {},
        "library, from the middle": {"after": files // 2},
        "a folder": {"folder": FOLDERS[1]},
        "a folder, from the middle": {"folder": FOLDERS[1], "after": files // 2},
        "an account": {"account": "eu"},
        "an account, from the middle": {"account": "eu", "after": files // 2},
        "held": {"state": "held"},
        "missing": {"state": "missing"},
        "missing, from the middle": {"state": "missing", "after": files // 2},
        "missing in a folder and an account": {
            "state": "missing",
            "folder": FOLDERS[1],
            "account": "eu",
        },
        "rejected": {"state": "rejected"},
        "unwanted, which none is": {"state": "unwanted"},
        "a format of all": {"format": "JPEG"},
        "a format of the oldest": {"format": "GIF"},
        "a ratio of the oldest": {"ratio": "9:16"},
        "a size of the oldest": {"size": "1080x1920"},
        "since a year ago": {"since": (now - year).date()},
        "until a year ago, which none is": {"until": (now - year).date()},
        "a part of every name": {"q": "IMG_"},
        "the begin of a hash": {"q": HASH[:8]},
        "the begin of a digest": {"q": DIGEST[:8]},
    }
    found = {f"/library, {what}": f"/library?{urlencode(query)}" for what, query in library.items()}
    return {"/image, an image": f"/image/{DIGEST}", **found}


def _searches(files: int) -> Mapping[str, str]:
    """Return searches that read all names or all images, by what is measured."""
    name = wanted_file(files)[1]
    found = {
        "the name of one file": {"q": name},
        "a part of one name": {"q": name[5:]},
        "a part of the names of 1 %": {"q": "77.jpg"},
        "a part of no name": {"q": "nothing"},
        "a format of the oldest": {"format": "GIF"},
        "a ratio of the oldest": {"ratio": "9:16"},
        "until a year ago, which none is": {"until": "2020-01-01"},
    }
    return {what: f"/library?{urlencode(query)}" for what, query in found.items()}


def _search(listen: str, address: str) -> _Read:
    """Read pages until one has an image, or until the last; return the time of all of them."""
    took, page = 0.0, _read(listen, address)
    while not page.images and page.more is not None:
        took += page.took
        page = _read(listen, page.more)
    return _Read(took + page.took, page.images, page.more)


def _read(listen: str, address: str) -> _Read:
    connection = HTTPConnection(listen, timeout=DEADLINE)
    try:
        began = time.monotonic()
        connection.request("GET", address)
        response = connection.getresponse()
        text = response.read().decode()
        took = 1000 * (time.monotonic() - began)
    finally:
        connection.close()
    if response.status != 200:
        raise MeasurementError(f"GET {address}: {response.status}")
    more = _MORE.search(text)
    return _Read(took, text.count("<article"), None if more is None else unescape(more[1]))


def _wait(child: Child, listen: str) -> None:
    def is_served() -> bool:
        try:
            return _read(listen, "/").took > 0
        except OSError:  # it does not listen yet
            return False

    child.wait_until(is_served)
