"""Bytes sent per byte of image."""

from __future__ import annotations

from collections.abc import Iterator

from bench.bench import Bench
from bench.row import Goal, Row
from bench.uploads import SINGLE_POSTS, SYNCD, sdk_uploads, upload_all


def rows(bench: Bench) -> Iterator[Row]:
    for size in bench.sizes.images:
        uploads = upload_all(bench, size)
        yield Row(
            f"bytes sent per byte of image, {size // 1000} KB",
            uploads[SYNCD].bytes,
            "",
            [
                ("SDK's remote_create", sdk_uploads(uploads)["SDK"].bytes),
                (SINGLE_POSTS, uploads[SINGLE_POSTS].bytes),
            ],
            Goal(1.02, of_figure=True),
        )
