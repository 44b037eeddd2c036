"""Uploads to a foreign server, whatever its responses look like."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.foreign_server import (
    Behaviour,
    ForeignServer,
    Key,
)  # fmt: skip
from support.foreign_trial import (
    MAIN,
    Trial,
    file_names,
    run_trial,
)  # fmt: skip
from support.pictures import picture

pytestmark = pytest.mark.usefixtures("fast_retries")

NAMES = [
    "with space.jpg",
    "with_space.jpg",
    "UPPER.JPG",
    "b/upper.jpg",
    unicodedata.normalize("NFC", "é.jpg"),
    "b/" + unicodedata.normalize("NFD", "é.jpg"),
    "图片.jpg",
    "照片.jpg",
    "ﬁ.jpg",
    "b/fi.jpg",
    "ß.jpg",
    "ss.jpg",
    "x" * 240 + ".jpg",
    "b/" + "x" * 240 + ".jpg",
]
"""Names that a file system or a server can confuse with each other."""

ODD_NAMES = [
    "plain.jpg",
    "b/plain.jpg",
    'quote".jpg',
    "back\\slash.jpg",
    "semi;colon=%22.jpg",
    "new\nline.jpg",
    "carriage\r\nreturn: yes.jpg",
    "-dash.jpg",
    "a.b.c.jpg",
    "null\x01.jpg",
    "﻿mark.jpg",
    "right\u202eleft.jpg",
    "🦊" * 60 + ".jpg",
    "e" + "\u0301" * 120 + ".jpg",
    " space .jpg",
    "trailing dot..jpg",
]


ONLY_HASH_AND_URL = ("hash", "url")
MANGLED = "".maketrans({" ": "_", "%": "_", ";": "_", "=": "_", "(": "", ")": ""})

KEYS: dict[str, Key] = {
    "upper case": lambda _i, name, _h: name.upper(),
    "lower case": lambda _i, name, _h: name.lower(),
    "NFC": lambda _i, name, _h: unicodedata.normalize("NFC", name),
    "NFD": lambda _i, name, _h: unicodedata.normalize("NFD", name),
    "NFKC": lambda _i, name, _h: unicodedata.normalize("NFKC", name),
    "NFKC and lower case": lambda _i, name, _h: unicodedata.normalize("NFKC", name).casefold(),
    "hash": lambda _i, _n, image_hash: image_hash,
    "index": lambda index, _n, _h: str(index),
    "underscores": lambda _i, name, _h: name.translate(MANGLED),
    "no extension": lambda _i, name, _h: name.rpartition(".")[0],
    "ASCII with ?": lambda _i, name, _h: name.encode("ascii", "replace").decode(),
    "percent-encoded": lambda _i, name, _h: "".join(
        c if c.isascii() else "%" + hex(ord(c)) for c in name
    ),
    "first 20 characters": lambda _i, name, _h: name[:20],
    "always bytes": lambda _i, _n, _h: "bytes",
    "empty": lambda _i, _n, _h: "",
}
"""Keys of entries; some give several entries the same key."""


MANGLING = {"NFKC", "underscores", "no extension", "ASCII with ?", "first 20 characters"}


@pytest.mark.parametrize(
    ("key", "named"),
    [
        *((key, named) for key in KEYS for named in ("name as sent", "no name")),
        *((key, "name as the key") for key in sorted(MANGLING)),
    ],
)
async def test_no_image_is_held_under_the_hash_of_another_whatever_keys_the_answer_has(
    tmp_path: Path, key: str, named: str
) -> None:
    key_of = KEYS[key]

    def entry(full: dict[str, Any]) -> dict[str, Any]:
        if named == "no name":
            return {k: full[k] for k in ONLY_HASH_AND_URL}
        return (
            full
            if named == "name as sent"
            else full | {"name": key_of(0, full["name"], full["hash"])}
        )

    trial = await run_trial(
        tmp_path, Behaviour(key=key_of, entry=entry, shuffled=True), names=NAMES
    )
    # All at once, some again alone, and the POSTs after which batching is switched off.
    assert len(trial.server.posts) <= 2 * len(NAMES) + 6


async def test_every_name_on_disk_becomes_a_part_that_a_strict_parser_accepts(
    tmp_path: Path,
) -> None:
    async with ForeignServer() as server:
        trial = Trial(tmp_path, server)
        trial.fill(ODD_NAMES)
        (tmp_path / "pictures" / os.fsdecode(b"latin\xe9.jpg")).write_bytes(picture(99))
        trial.images["latin"] = picture(99)
        await trial.backfill()
        trial.check_in_sync()
        assert len(server.posts) == 2, "two files have one name"


@pytest.mark.parametrize(
    "entry",
    [
        lambda full: full,
        lambda full: {k: full[k] for k in ONLY_HASH_AND_URL},
        lambda full: {"hash": full["hash"]},
        lambda full: {k: str(v) for k, v in full.items()},
        lambda full: full | {"unheard_of": {"of": [1, None]}, "height": 3.0, "width": None},
        lambda full: full | {"height": "", "width": "tall", "url": None, "name": 7},
        lambda full: full | {"height": -1, "width": 2**70, "url_128": []},
        lambda full: dict(reversed(full.items())),
    ],
    ids=["all", "hash and url", "hash", "strings", "more", "senseless", "large", "reversed"],
)
async def test_an_entry_needs_nothing_but_its_hash(
    tmp_path: Path, entry: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    trial = await run_trial(
        tmp_path, Behaviour(entry=entry, shuffled=True, extra={"x": [{}], "id": 1})
    )
    assert len(trial.server.posts) == 1


@pytest.mark.parametrize(
    "left_out",
    [
        lambda index, count: count > 1 and index % 3 == 1,
        lambda index, count: count > 1 and index > 0,
        lambda index, count: count > 1,
    ],
    ids=["a third", "all but the first", "all"],
)
@pytest.mark.parametrize("key", ["name", "hash"])
async def test_an_image_that_the_response_leaves_out_is_uploaded_again(
    tmp_path: Path, left_out: Callable[[int, int], bool], key: str
) -> None:
    keys: dict[str, Key] = {"name": lambda _i, name, _h: name, "hash": KEYS["hash"]}
    behaviour = Behaviour(
        left_out=left_out, key=keys[key], entry=lambda full: {k: full[k] for k in ONLY_HASH_AND_URL}
    )
    trial = await run_trial(tmp_path, behaviour)
    assert len(trial.server.posts) <= 2 * 12 + 6


@pytest.mark.parametrize(
    "wrap_images",
    [
        lambda images: list(images.values()),
        lambda images: [{"key": key, **value} for key, value in images.items()],
    ],
    ids=["list", "list with keys"],
)
async def test_a_response_with_a_list_instead_of_a_map_does_no_harm(
    tmp_path: Path, wrap_images: Callable[[Mapping[str, Any]], object]
) -> None:
    """Lists of images come in both shapes; responses to uploads could too."""
    async with ForeignServer(Behaviour(wrap_images=wrap_images)) as server:
        trial = Trial(tmp_path, server)
        trial.fill(file_names(3))
        await trial.backfill(until=lambda: len(server.posts) >= 2)
        assert set(trial.held().items()) <= set(server.hashes[MAIN].items())
        assert not trial.rejected()
        trial.check_complaints()


async def test_two_images_may_share_a_hash(tmp_path: Path) -> None:
    behaviour = Behaviour(transcoded=lambda content: content[:100], key=KEYS["hash"])
    trial = await run_trial(tmp_path, behaviour)
    assert len(set(trial.held().values())) < len(trial.images)
    assert len(trial.server.posts) <= 2 * 12 + 6


async def test_an_entry_is_not_matched_by_a_name_that_the_image_had_earlier(tmp_path: Path) -> None:
    """The same bytes can have been uploaded earlier under the name that another image has now."""
    earlier = {f"{n:02}.jpg": f"{n + 1:02}.jpg" for n in range(12)}
    behaviour = Behaviour(
        key=KEYS["hash"],
        entry=lambda full: full | {"name": earlier.get(full["name"], "x.jpg")},
    )
    trial = await run_trial(tmp_path, behaviour)
    assert len(trial.server.posts) <= 1 + 12


async def test_each_account_has_its_own_hash_for_an_image(tmp_path: Path) -> None:
    async with ForeignServer() as server:
        trial = Trial(tmp_path, server, mirrors=("42", "43"))
        trial.fill(file_names(5))
        await trial.backfill()
        for account in (MAIN, "42", "43"):
            trial.check_in_sync(account=account)
        assert len(server.posts) == 3
