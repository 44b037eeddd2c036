"""A server that responds as the reference page of 2013 shows, from upload to deletion.

Uploads return only `hash` and `url`, keyed by the hash; `data` of a list is a map by hash; pages
have `count`, `limit` and `offset`, and no cursors.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from support.foreign_server import Behaviour, ForeignServer
from support.foreign_trial import MAIN, Trial, file_names
from support.rig import DELETED_WITHIN, until

from syncd.graph.client import GraphError

PAGE = 4  # images
IMAGES = 2 * PAGE  # a whole number of pages: the last one is full, too


def hash_and_url(entry: dict[str, Any]) -> dict[str, Any]:
    return {"hash": entry["hash"], "url": entry["url"]}


def as_map(answer: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in answer.items() if key != "summary"}
    return {**rest, "data": {image["hash"]: image for image in answer["data"]}}


def with_count_of_page(answer: dict[str, Any]) -> dict[str, Any]:
    return {**as_map(answer), "count": len(answer["data"])}


def created_now(image: dict[str, Any]) -> dict[str, Any]:
    return image | ({"created_time": int(time.time())} if "created_time" in image else {})


OF_2013 = Behaviour(
    key=lambda _index, _name, image_hash: image_hash,
    entry=hash_and_url,
    by_offset=True,
    page=lambda limit: min(limit, PAGE),
    listed=created_now,
    listing=as_map,
    headers=lambda _account: [("Date", formatdate(usegmt=True))],
)


@pytest.mark.parametrize("listing", [as_map, with_count_of_page], ids=["of all", "of the page"])
async def test_images_are_uploaded_audited_and_deleted(
    tmp_path: Path, listing: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    async with ForeignServer(replace(OF_2013, listing=listing)) as server:
        trial = Trial(tmp_path, server, deletions="propagate")
        trial.fill(file_names(IMAGES - 1))
        await trial.backfill()
        trial.check_in_sync()
        server.library.put(MAIN, "f" * 32, "foreign.jpg")

        async with trial.auditing() as audit:
            report = await audit.run_once(everything=True, paced=False)
        assert (report.images, report.gone, report.unknown) == (IMAGES - 1, 0, 1)
        offsets = [dict(call.head.query).get("offset") for call in server.calls]
        assert str(PAGE) in offsets, "the list has a second page"

        deleted = trial.images.pop("00.jpg")
        async with trial.running():
            await until(lambda: server.hash_of(MAIN, deleted) in trial.held().values())
            (trial.path / "pictures" / "00.jpg").unlink()
            gone = server.hash_of(MAIN, deleted)
            await until(lambda: gone not in server.library.hashes(MAIN), DELETED_WITHIN)
            await until(lambda: gone not in trial.held().values(), DELETED_WITHIN)
        assert "f" * 32 in server.library.hashes(MAIN)
        trial.check_in_sync()


async def test_a_server_that_ignores_the_offset_is_not_asked_forever(tmp_path: Path) -> None:
    def first_page(answer: dict[str, Any]) -> dict[str, Any]:
        return {**as_map(answer), "offset": 0, "count": 10 * IMAGES}

    async with ForeignServer(replace(OF_2013, listing=first_page)) as server:
        trial = Trial(tmp_path, server)
        trial.fill(file_names(IMAGES))
        await trial.backfill()
        before = len(server.calls)
        async with trial.auditing() as audit:
            with pytest.raises(GraphError, match="complete list in `data`"):
                await audit.run_once(everything=True, paced=False)
        assert len(server.calls) - before == 2, "the first page, and one at another offset"
