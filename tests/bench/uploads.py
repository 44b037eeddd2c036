"""Every way to send a folder of images, against the same sink: the source of several rows."""

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
from bench.processes import Failed, Run, run
from bench.running_sink import RunningSink, certificate, sink

SYNCD = "syncd"
ONE_A_POST = "aiohttp, one a POST, 32 at once"
SDK = {"SDK": 1, "SDK, 8 threads": 8, "SDK, 32 threads": 32}


@dataclass(frozen=True)
class Sent:
    """One way, per image: CPU in ms, images a second, POSTs; bytes on the wire per image byte."""

    cpu: float
    rate: float
    posts: float
    bytes: float


def sent(bench: Bench, size: int, *, tls: bool = False) -> dict[str, Sent]:
    """Send so many images of that size in every way, in turn; done once a run of the bench."""
    key = f"sent {size} {tls}"
    if key not in bench.kept:
        bench.kept[key] = _send(bench, size, tls=tls)
    found = bench.kept[key]
    assert isinstance(found, dict)
    return found


def sdk_alone(found: dict[str, Sent]) -> dict[str, Sent]:
    """Return the official SDK's ways; raises Failed when it is not installed."""
    ways = {name: way for name, way in found.items() if name in SDK}
    if not ways:
        raise Failed("facebook-business is not installed")
    return ways


def _send(bench: Bench, size: int, *, tls: bool) -> dict[str, Sent]:
    if tls and shutil.which("openssl") is None:
        raise Failed("there is no openssl to make a certificate with")
    count = bench.sizes.images[size]
    folder = pictures.fill(bench.cache / f"photographs-{size}-{count}", size, count)
    own = sum(path.stat().st_size for path in folder.glob("*/*.jpg"))
    trusted = certificate(bench.scratch) if tls else None
    found: dict[str, list[Sent]] = {}
    ways = _ways(bench, folder)
    for _ in range(bench.sizes.rounds):
        for name, way in ways.items():
            with sink(trusted) as other:
                done = way(other)
                came = other.count()
            if came.images != count:
                raise Failed(f"{name}: {came.images} of {count} images arrived")
            one = Sent(1000 * done.cpu / count, count / done.wall, came.posts / count,
                       came.bytes / own)  # fmt: skip
            found.setdefault(name, []).append(one)
    return {name: _median(several) for name, several in found.items()}


def _ways(bench: Bench, folder: Path) -> dict[str, Callable[[RunningSink], Run]]:
    def by_syncd(other: RunningSink) -> Run:
        place = bench.place("sending")
        config = write_config(place, other.url, {"bench": folder})
        return run(syncd("backfill", "--config", config), place / "log", {**TOKEN, **other.trust})

    def by_script(module: str, *words: str) -> Callable[[RunningSink], Run]:
        command = [sys.executable, "-m", f"bench.peers.{module}"]
        return lambda other: run(
            [*command, other.url, str(folder), *words], bench.place(module) / "log", other.trust
        )

    ways: dict[str, Callable[[RunningSink], Run]] = {SYNCD: by_syncd}
    ways[ONE_A_POST] = by_script("single_image_posts", "32")
    if find_spec("facebook_business") is not None:
        for name, threads in SDK.items():
            ways[name] = by_script("sdk", str(threads))
    return ways


def _median(several: list[Sent]) -> Sent:
    return Sent(
        median(s.cpu for s in several),
        median(s.rate for s in several),
        median(s.posts for s in several),
        median(s.bytes for s in several),
    )
