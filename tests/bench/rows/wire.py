"""Bytes sent per byte of image."""

from __future__ import annotations

from collections.abc import Iterator

from bench.bench import Bench
from bench.row import Goal, Row
from bench.uploads import ONE_A_POST, SYNCD, sdk_alone, sent


def rows(bench: Bench) -> Iterator[Row]:
    for size in bench.sizes.images:
        found = sent(bench, size)
        yield Row(
            f"bytes sent per byte of image, {size // 1000} KB",
            found[SYNCD].bytes,
            "",
            [
                ("SDK's remote_create", sdk_alone(found)["SDK"].bytes),
                (ONE_A_POST, found[ONE_A_POST].bytes),
            ],
            Goal(1.02, of_figure=True),
        )
