"""Images a second, from start to exit."""

from __future__ import annotations

from collections.abc import Iterator

from bench.bench import Bench
from bench.row import Goal, Row, best
from bench.uploads import ONE_A_POST, SYNCD, sdk_alone, sent


def rows(bench: Bench) -> Iterator[Row]:
    for tls in (False, True):
        for size, count in bench.sizes.images.items():
            found = sent(bench, size, tls=tls)
            what = f"images/s, {size // 1000} KB, {count:,} images{', TLS' if tls else ''}"
            peers = {name: way.rate for name, way in sdk_alone(found).items()}
            yield Row(
                what,
                found[SYNCD].rate,
                "/s",
                best(peers, lowest=False),
                Goal(4, at_most=False),
            )
            yield Row(
                f"{what}, against no sharing",
                found[SYNCD].rate,
                "/s",
                [(ONE_A_POST, found[ONE_A_POST].rate)],
                Goal(1, at_most=False),
            )
