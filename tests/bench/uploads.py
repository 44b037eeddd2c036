"""Uploads of a folder to the same sink by syncd and other clients, for several rows."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from bench import pictures
from bench.bench import Bench
from bench.daemon import TOKEN, syncd, write_config
from bench.processes import MeasurementError, Run, run
from bench.running_sink import RunningSink, certificate, sink

SYNCD = "syncd"
SINGLE_POSTS = "aiohttp, one a POST, 32 at once"
SDK = {"SDK": 1, "SDK, 8 threads": 8, "SDK, 32 threads": 32}


@dataclass(frozen=True)
class Upload:
    """The cost of an upload by one client.

    CPU time in ms per image, images per second, POSTs per image, bytes sent per byte of image, and
    voluntary context switches per image.
    """

    cpu: float
    rate: float
    posts: float
    bytes: float
    switches: float


def upload_all(bench: Bench, size: int, *, tls: bool = False) -> dict[str, Upload]:
    """Upload images of `size` bytes with every client in turn; measured once per run."""
    key = f"uploads {size} {tls}"
    if key not in bench.results:
        bench.results[key] = _upload(bench, size, tls=tls)
    found = bench.results[key]
    assert isinstance(found, dict)
    return found


def sdk_uploads(uploads: dict[str, Upload]) -> dict[str, Upload]:
    """Return the uploads by the official SDK. Raises MeasurementError if it is not installed."""
    by_sdk = {name: upload for name, upload in uploads.items() if name in SDK}
    if not by_sdk:
        raise MeasurementError("facebook-business is not installed")
    return by_sdk


def _upload(bench: Bench, size: int, *, tls: bool) -> dict[str, Upload]:
    if tls and shutil.which("openssl") is None:
        raise MeasurementError("openssl, which creates the certificate, is not installed")
    count = bench.sizes.images[size]
    folder = pictures.photograph_folder(bench.cache / f"photographs-{size}-{count}", size, count)
    size_of_all = sum(path.stat().st_size for path in folder.glob("*/*.jpg"))
    trusted = certificate(bench.scratch) if tls else None
    found: dict[str, list[Upload]] = {}
    clients = _clients(bench, folder)
    for _ in range(bench.sizes.rounds):
        for name, client in clients.items():
            with sink(trusted) as server:
                done = client(server)
                arrived = server.count()
            if arrived.images != count:
                raise MeasurementError(f"{name}: {arrived.images} of {count} images arrived")
            upload = Upload(
                cpu=1000 * done.cpu / count,
                rate=count / done.wall,
                posts=arrived.posts / count,
                bytes=arrived.bytes / size_of_all,
                switches=done.switches / count,
            )
            found.setdefault(name, []).append(upload)
    return {name: _median(uploads) for name, uploads in found.items()}


def _clients(bench: Bench, folder: Path) -> dict[str, Callable[[RunningSink], Run]]:
    def by_syncd(server: RunningSink) -> Run:
        directory = bench.new_directory("syncd")
        config = write_config(directory, server.url, {"bench": folder})
        return run(
            syncd("backfill", "--config", config), directory / "log", {**TOKEN, **server.trust}
        )

    def by_script(module: str, *words: str) -> Callable[[RunningSink], Run]:
        command = [sys.executable, "-m", f"bench.peers.{module}"]
        return lambda server: run(
            [*command, server.url, str(folder), *words],
            bench.new_directory(module) / "log",
            server.trust,
        )

    clients: dict[str, Callable[[RunningSink], Run]] = {SYNCD: by_syncd}
    clients[SINGLE_POSTS] = by_script("single_image_posts", "32")
    if find_spec("facebook_business") is not None:
        for name, threads in SDK.items():
            clients[name] = by_script("sdk", str(threads))
    return clients


def _median(uploads: list[Upload]) -> Upload:
    return Upload(
        median(s.cpu for s in uploads),
        median(s.rate for s in uploads),
        median(s.posts for s in uploads),
        median(s.bytes for s in uploads),
        median(s.switches for s in uploads),
    )
