"""CPU of the whole process per image, its start too."""

from __future__ import annotations

from collections.abc import Iterator

from bench.bench import Bench
from bench.row import Goal, Row, best
from bench.uploads import ONE_A_POST, SYNCD, sdk_alone, sent

_PLAIN = {20_000: 0.12, 300_000: 0.22}
_TLS = 0.35


def rows(bench: Bench) -> Iterator[Row]:
    for tls in (False, True):
        for size, count in bench.sizes.images.items():
            found = sent(bench, size, tls=tls)
            peers = best({name: way.cpu for name, way in sdk_alone(found).items()})
            yield Row(
                f"CPU per image, {size // 1000} KB, {count:,} images{', TLS' if tls else ''}",
                found[SYNCD].cpu,
                "ms",
                [*peers, (ONE_A_POST, found[ONE_A_POST].cpu)],
                Goal(_TLS if tls else _PLAIN[size]),
            )
