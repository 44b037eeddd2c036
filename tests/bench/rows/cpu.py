"""CPU time per image of the whole process, including its start."""

from __future__ import annotations

from collections.abc import Iterator

from bench.bench import Bench
from bench.row import Goal, Row, best
from bench.uploads import SINGLE_POSTS, SYNCD, sdk_uploads, upload_all

_OF_SDK = {
    (20_000, False): 0.20,
    (300_000, False): 0.40,
    (20_000, True): 0.25,
    (300_000, True): 0.40,
}

_PLAIN = {20_000: 0.2, 300_000: 0.4}  # of the best way to use the SDK
_TLS = {20_000: 0.25, 300_000: 0.4}


def rows(bench: Bench) -> Iterator[Row]:
    for tls in (False, True):
        for size, count in bench.sizes.images.items():
            uploads = upload_all(bench, size, tls=tls)
            by_syncd, single = uploads[SYNCD], uploads[SINGLE_POSTS].cpu
            peers = best({name: upload.cpu for name, upload in sdk_uploads(uploads).items()})
            what = f"CPU per image, {size // 1000} KB, {count:,} images{', TLS' if tls else ''}"
            waits = f"{by_syncd.switches:.1f} voluntary context switches per image"
            goal = Goal((_TLS if tls else _PLAIN)[size])
            yield Row(what, by_syncd.cpu, "ms", peers, goal, waits)
            yield Row(
                f"{what}, against no sharing",
                by_syncd.cpu,
                "ms",
                [(SINGLE_POSTS, single)],
                Goal(1) if size == min(bench.sizes.images) and not tls else None,
            )
