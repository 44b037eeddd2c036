"""CPU time per image of the whole process, including its start."""

from __future__ import annotations

from collections.abc import Iterator

from bench.bench import Bench
from bench.row import Goal, Row, best
from bench.uploads import SINGLE_POSTS, SYNCD, sdk_uploads, upload_all

_PLAIN = {20_000: 0.12, 300_000: 0.22}
_TLS = 0.35


def rows(bench: Bench) -> Iterator[Row]:
    for tls in (False, True):
        for size, count in bench.sizes.images.items():
            uploads = upload_all(bench, size, tls=tls)
            peers = best({name: upload.cpu for name, upload in sdk_uploads(uploads).items()})
            yield Row(
                f"CPU per image, {size // 1000} KB, {count:,} images{', TLS' if tls else ''}",
                uploads[SYNCD].cpu,
                "ms",
                [*peers, (SINGLE_POSTS, uploads[SINGLE_POSTS].cpu)],
                Goal(_TLS if tls else _PLAIN[size]),
            )
