"""Images per second, from start to exit."""

from __future__ import annotations

from collections.abc import Iterator

from bench.bench import Bench
from bench.row import Goal, Row, best
from bench.uploads import SINGLE_POSTS, SYNCD, sdk_uploads, upload_all

_OF_SINGLE_POSTS = {20_000: 1.0, 300_000: 0.7}  # these hash nothing


def rows(bench: Bench) -> Iterator[Row]:
    for tls in (False, True):
        for size, count in bench.sizes.images.items():
            uploads = upload_all(bench, size, tls=tls)
            what = f"images/s, {size // 1000} KB, {count:,} images{', TLS' if tls else ''}"
            peers = {name: upload.rate for name, upload in sdk_uploads(uploads).items()}
            yield Row(
                what,
                uploads[SYNCD].rate,
                "/s",
                best(peers, lowest=False),
                Goal(4, at_most=False),
            )
            yield Row(
                f"{what}, against no sharing",
                uploads[SYNCD].rate,
                "/s",
                [(SINGLE_POSTS, uploads[SINGLE_POSTS].rate)],
                Goal(_OF_SINGLE_POSTS[size], at_most=False),
            )
