"""The cost of a webhook for each held image: a backfill with it, and the same one without it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from threading import Thread

from bench import pictures
from bench.bench import Bench
from bench.daemon import TOKEN, syncd, write_config
from bench.processes import MeasurementError, Run, run
from bench.row import Row
from bench.running_sink import sink


class _Receiver(ThreadingHTTPServer):
    """A receiver that accepts every notification, and counts the images in them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.images: set[str] = set()


class _Handler(BaseHTTPRequestHandler):
    server: _Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.images.update(event["sha256"] for event in json.loads(body)["events"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def rows(bench: Bench) -> Iterator[Row]:
    count = bench.sizes.notified
    tree = pictures.tiny_tree(bench.cache / f"tree-{count}", count)
    without, with_it = list[Run](), list[Run]()
    for _ in range(bench.sizes.rounds):
        without.append(_backfill(bench, tree, ""))
        with _receiving() as receiver:
            url = bench.new_directory("url") / "url"
            url.write_text(f"http://127.0.0.1:{receiver.server_port}/\n")
            table = f'[[notify]]\nurl = {{ file = "{url}" }}\non = ["image.held"]\n'
            with_it.append(_backfill(bench, tree, table))
            if len(receiver.images) != count:
                raise MeasurementError(f"{len(receiver.images):,} of {count:,} images notified")
    what = f"backfill of {count:,} tiny files with a webhook for each image"
    cpu = [median(one.cpu for one in runs) for runs in (with_it, without)]
    memory = [median(one.memory for one in runs) for runs in (with_it, without)]
    yield Row(f"CPU, {what}", cpu[0], "s", [("without", cpu[1])])
    yield Row(f"peak memory, {what}", memory[0], "MB", [("without", memory[1])])


def _backfill(bench: Bench, tree: Path, more: str) -> Run:
    directory = bench.new_directory("notify")
    with sink() as server:
        config = write_config(directory, server.url, {"bench": tree}, more=more)
        return run(syncd("backfill", "--config", config), directory / "log", TOKEN, tree=True)


@contextmanager
def _receiving() -> Iterator[_Receiver]:
    receiver = _Receiver()
    thread = Thread(target=receiver.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.shutdown()
        receiver.server_close()
        thread.join()
