"""Calls per image."""

from __future__ import annotations

from collections.abc import Iterator

from bench.bench import Bench
from bench.row import Goal, Row
from bench.uploads import SYNCD, sdk_uploads, upload_all


def rows(bench: Bench) -> Iterator[Row]:
    size = min(bench.sizes.images)
    uploads = upload_all(bench, size)
    yield Row(
        f"calls per image, {bench.sizes.images[size]:,} images",
        uploads[SYNCD].posts,
        against=[("SDK", sdk_uploads(uploads)["SDK"].posts)],
        goal=Goal(0.04),
    )
