"""Calls per image."""

from __future__ import annotations

from collections.abc import Iterator

from bench.bench import Bench
from bench.row import Goal, Row
from bench.uploads import SYNCD, sdk_alone, sent


def rows(bench: Bench) -> Iterator[Row]:
    size = min(bench.sizes.images)
    found = sent(bench, size)
    yield Row(
        f"calls per image, {bench.sizes.images[size]:,} images",
        found[SYNCD].posts,
        against=[("SDK", sdk_alone(found)["SDK"].posts)],
        goal=Goal(0.04),
    )
