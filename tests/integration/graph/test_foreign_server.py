"""The client against a server that a stranger wrote: nothing rests on the sandbox's own habits.

Whatever the habit, every good image is held under the hash that was given for its bytes, bad images
alone are rejected, and what goes over the wire gives no cause for complaint.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import time
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.foreign_server import (
    Break,
    Habits,
    Key,
    Reply,
    Stranger,
    bad_entry,
    error,
    sha256,
    throttle,
    usage,
)
from support.foreign_server.server import TOKEN
from support.pictures import picture

from syncd.check.perspective import Perspective
from syncd.check.run import check_all
from syncd.check.user import current_user
from syncd.config import load
from syncd.daemon.backfill import Result, backfill
from syncd.daemon.credentials import opener

MAIN = "41"
DEADLINE = 12.0

BAD_FILE, BAD_IMAGE = error(400, 100, 1487411), error(400, 100, 2490361)
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
"""Names that something between client and server may take for one another."""

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


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again sooner: none of this is about time."""
    monkeypatch.setattr("syncd.rules.backoff._FIRST", 0.1)


@dataclass
class Trial:
    """A folder, a ledger, and the real client between them and a stranger."""

    path: Path
    stranger: Stranger
    pack: str = ""
    mirrors: tuple[str, ...] = ()
    timeout: str = "10s"
    include: str = '["*.jpg", "*.jpeg", "*.png", "*.gif", "*.bmp", "*.tif"]'
    images: dict[str, bytes] = field(default_factory=dict)

    def add(self, name: str, content: bytes) -> bytes:
        target = self.path / "pictures" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        self.images[name] = content
        return content

    def fill(self, names: Iterable[str]) -> None:
        for seed, name in enumerate(names):
            self.add(name, picture(seed))

    def config(self) -> Any:
        accounts = "".join(
            f'[accounts.a{a}]\nid = "{a}"\nbudget = {{ points = 9000, calls = 100000 }}\n'
            for a in (MAIN, *self.mirrors)
        )
        mirrors = ", ".join(f'"a{a}"' for a in self.mirrors)
        text = f"""
[graph]
base_url = "{self.stranger.url}"
token = {{ env = "STRANGER" }}
timeout = "{self.timeout}"
[ledger]
path = "{self.path}/ledger.db"
{accounts}
[folders.pictures]
path = "{self.path}/pictures"
account = "a{MAIN}"
mirrors = [{mirrors}]
include = {self.include}
[watch]
settle = "0s"
[pack]
{self.pack}
"""
        (self.path / "config.toml").write_text(text)
        return load(self.path / "config.toml", {})

    async def backfill(self, until: Callable[[], bool] = lambda: False) -> Result:
        """Run to the end, or until the condition holds: then it is told to stop, as by systemd."""
        config = self.config()
        told: list[bool] = []

        def show(_progress: object) -> None:
            if not told and until():
                told.append(True)
                os.kill(os.getpid(), signal.SIGTERM)

        async with asyncio.timeout(DEADLINE):
            opened = opener(config, {"STRANGER": TOKEN}, lambda _secret: None)
            result = await backfill(config, opened, show, interval=0.02)
        assert result.interrupted == bool(told)
        return result

    def ask(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self.path}/ledger.db?mode=ro", uri=True)) as db:
            return db.execute(sql).fetchall()

    def held(self, account: str = MAIN) -> dict[str, str]:
        sql = "SELECT lower(hex(digest)), hash FROM replica WHERE hash IS NOT NULL AND account = "
        return dict(self.ask(sql + account))

    def rejected(self) -> set[str]:
        return {
            d for (d,) in self.ask("SELECT lower(hex(digest)) FROM replica WHERE rejected NOTNULL")
        }

    def pauses(self) -> dict[str, tuple[str, float | None]]:
        """account → (kind, seconds)."""
        sql = "SELECT account, kind, until - since FROM pause"
        return {account: (kind, seconds) for account, kind, seconds in self.ask(sql)}

    def paused(self) -> bool:
        return bool(self.pauses())

    def in_step(self, bad: Iterable[bytes] = (), account: str = MAIN) -> None:
        """Check the claim that matters, for all images but the bad ones."""
        refused = {sha256(content) for content in bad}
        good = {sha256(content) for content in self.images.values()} - refused
        given = self.stranger.given.get(account, {})
        held = self.held(account)
        wrong = {d for d in held if held[d] != given.get(d)}
        assert not wrong, f"held under another image's hash: {self.named(wrong)}"
        assert not good - held.keys(), f"not held: {self.named(good - held.keys())}"
        assert not held.keys() - good
        assert self.rejected() == refused, self.named(self.rejected())
        self.no_complaint()

    def no_complaint(self) -> None:
        assert not self.stranger.complaints, self.stranger.complaints

    def named(self, digests: Iterable[str]) -> list[str]:
        names = {sha256(content): name for name, content in self.images.items()}
        return sorted(names[d] for d in digests)


def some(count: int) -> list[str]:
    return [f"{n:02}.jpg" for n in range(count)]


async def tried(
    path: Path,
    habits: Habits | None = None,
    *,
    script: Iterable[Any] = (),
    names: Iterable[str] = (),
    bad: int = 0,
    **more: Any,
) -> Trial:
    """Backfill once, and check the claim that matters; `bad` of the images are bad."""
    async with Stranger(habits, script) as stranger:
        trial = Trial(path, stranger, **more)
        trial.fill(names or some(12))
        result = await trial.backfill()
        trial.in_step(BADS[:bad])
        assert result.in_step == (not bad)
    return trial


BADS = [picture(n) for n in (3, 9)]
"""Of the pictures that `fill` makes."""


def is_bad(content: bytes) -> bool:
    return content in BADS


# What the answer to an upload looks like

ONLY_HASH_AND_URL = ("hash", "url")
MANGLED = "".maketrans({" ": "_", "%": "_", ";": "_", "=": "_", "(": "", ")": ""})

TOLD_APART: dict[str, Key] = {
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
"""Keys; some make entries fall together."""


MANGLING = {"NFKC", "underscores", "no extension", "ASCII with ?", "first 20 characters"}


@pytest.mark.parametrize(
    ("key", "named"),
    [
        *((key, named) for key in TOLD_APART for named in ("name as sent", "no name")),
        *((key, "name as the key") for key in sorted(MANGLING)),
    ],
)
async def test_no_image_is_held_under_the_hash_of_another_whatever_keys_the_answer_has(
    tmp_path: Path, key: str, named: str
) -> None:
    how = TOLD_APART[key]

    def entry(full: dict[str, Any]) -> dict[str, Any]:
        if named == "no name":
            return {k: full[k] for k in ONLY_HASH_AND_URL}
        return (
            full if named == "name as sent" else full | {"name": how(0, full["name"], full["hash"])}
        )

    trial = await tried(tmp_path, Habits(key=how, entry=entry, shuffled=True), names=NAMES)
    # All at once, some again alone, and what an account that shares badly needs to be known.
    assert len(trial.stranger.posts) <= 2 * len(NAMES) + 6


async def test_every_name_on_disk_makes_a_part_that_a_strict_parser_takes(tmp_path: Path) -> None:
    async with Stranger() as stranger:
        trial = Trial(tmp_path, stranger)
        trial.fill(ODD_NAMES)
        (tmp_path / "pictures" / os.fsdecode(b"latin\xe9.jpg")).write_bytes(picture(99))
        trial.images["latin"] = picture(99)
        await trial.backfill()
        trial.in_step()
        assert len(stranger.posts) == 1


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
    ids=["all", "hash and url", "hash", "texts", "more", "senseless", "large", "reversed"],
)
async def test_an_entry_needs_nothing_but_its_hash(
    tmp_path: Path, entry: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    trial = await tried(tmp_path, Habits(entry=entry, shuffled=True, beside={"x": [{}], "id": 1}))
    assert len(trial.stranger.posts) == 1


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
async def test_what_the_answer_leaves_out_is_asked_again(
    tmp_path: Path, left_out: Callable[[int, int], bool], key: str
) -> None:
    keys: dict[str, Key] = {"name": lambda _i, name, _h: name, "hash": TOLD_APART["hash"]}
    habits = Habits(
        left_out=left_out, key=keys[key], entry=lambda full: {k: full[k] for k in ONLY_HASH_AND_URL}
    )
    trial = await tried(tmp_path, habits)
    assert len(trial.stranger.posts) <= 2 * 12 + 6


@pytest.mark.parametrize(
    "around",
    [
        lambda images: list(images.values()),
        lambda images: [{"key": key, **value} for key, value in images.items()],
    ],
    ids=["list", "list with keys"],
)
async def test_a_list_instead_of_a_map_is_no_harm(
    tmp_path: Path, around: Callable[[Mapping[str, Any]], object]
) -> None:
    """A decoder takes both shapes of the list of images; this answer may be either too."""
    async with Stranger(Habits(around=around)) as stranger:
        trial = Trial(tmp_path, stranger)
        trial.fill(some(3))
        await trial.backfill(until=lambda: len(stranger.posts) >= 2)
        assert set(trial.held().items()) <= set(stranger.given[MAIN].items())
        assert not trial.rejected()
        trial.no_complaint()


async def test_two_images_may_share_a_hash(tmp_path: Path) -> None:
    habits = Habits(seen_as=lambda content: content[:100], key=TOLD_APART["hash"])
    trial = await tried(tmp_path, habits)
    assert len(set(trial.held().values())) < len(trial.images)
    assert len(trial.stranger.posts) <= 2 * 12 + 6


async def test_the_name_that_an_account_knew_an_image_by_before_is_no_proof(tmp_path: Path) -> None:
    """The same bytes may have come long ago, and under the name that another image has now."""
    before = {f"{n:02}.jpg": f"{n + 1:02}.jpg" for n in range(12)}
    habits = Habits(
        key=TOLD_APART["hash"],
        entry=lambda full: full | {"name": before.get(full["name"], "x.jpg")},
    )
    trial = await tried(tmp_path, habits)
    assert len(trial.stranger.posts) <= 1 + 12


async def test_each_account_names_an_image_its_own_way(tmp_path: Path) -> None:
    async with Stranger() as stranger:
        trial = Trial(tmp_path, stranger, mirrors=("42", "43"))
        trial.fill(some(5))
        await trial.backfill()
        for account in (MAIN, "42", "43"):
            trial.in_step(account=account)
        assert len(stranger.posts) == 3


# What is taken

WAYS_OF_BAD = {
    "fails all, as a file": Habits(is_bad=is_bad, bad_fails_all=BAD_FILE),
    "fails all, as an image": Habits(is_bad=is_bad, bad_fails_all=BAD_IMAGE),
    "skipped": Habits(is_bad=is_bad, bad_fails_all=None),
    "entry with an error": Habits(
        is_bad=is_bad, bad_fails_all=None, bad_entry=bad_entry, shuffled=True
    ),
    "entry null": Habits(is_bad=is_bad, bad_fails_all=None, bad_entry=lambda _n: None),
    "entry empty": Habits(is_bad=is_bad, bad_fails_all=None, bad_entry=lambda _n: {}),
    "hash null": Habits(is_bad=is_bad, bad_fails_all=None, bad_entry=lambda _n: {"hash": None}),
    "hash empty": Habits(is_bad=is_bad, bad_fails_all=None, bad_entry=lambda _n: {"hash": ""}),
    "entry false": Habits(is_bad=is_bad, bad_fails_all=None, bad_entry=lambda _n: False),  # type: ignore[arg-type,return-value]
    "code as a text": Habits(is_bad=is_bad, bad_fails_all=error(400, "100", "1487411")),
    "status 200": Habits(is_bad=is_bad, bad_fails_all=error(200, 100, 1487411)),
}


@pytest.mark.parametrize("way", WAYS_OF_BAD)
async def test_bad_images_are_rejected_and_those_alone(tmp_path: Path, way: str) -> None:
    trial = await tried(tmp_path, WAYS_OF_BAD[way], names=some(25), bad=2)
    # Halving 25 for two of them takes at most 2 * 5 * 2 requests, then each is tried as `bytes`.
    assert len(trial.stranger.posts) <= 1 + 2 * 5 * 2 + 2
    again = len(trial.stranger.posts)
    async with Stranger(trial.stranger.habits) as later:
        trial.stranger, given = later, trial.stranger.given
        await trial.backfill()
        assert not later.posts, f"asked again after {again}"
        later.given = given
        trial.in_step(BADS)


MANY_REFUSED = {
    "file type": BAD_FILE,
    "invalid parameter": error(400, 100),
    "transient": error(500, 1),
    "unheard of": error(400, 54321),
}


@pytest.mark.parametrize("reply", ["file type", "invalid parameter", "unheard of"])
async def test_an_account_that_takes_no_shared_post_is_learnt(tmp_path: Path, reply: str) -> None:
    refusal = MANY_REFUSED[reply]
    habits = Habits(refuses=lambda post: refusal if post.many else None)
    trial = await tried(tmp_path, habits, names=some(40))
    shared = [call for call in trial.stranger.posts if call.post and call.post.many]
    # Halving until twelve suspects have gone alone (rules/sharing.py) cuts at most twice as often.
    assert len(shared) <= 2 * 12
    assert len(trial.stranger.posts) - len(shared) <= 40


@pytest.mark.parametrize("reply", ["file type", "invalid parameter", "unheard of"])
@pytest.mark.parametrize("most", [2, 5])
async def test_an_account_that_takes_a_few_images_a_post_gets_a_few(
    tmp_path: Path, reply: str, most: int
) -> None:
    refusal = MANY_REFUSED[reply]
    habits = Habits(refuses=lambda post: refusal if len(post.images) > most else None)
    trial = await tried(tmp_path, habits, names=some(25))
    assert len(trial.stranger.posts) <= 25 + 10


async def test_an_account_that_takes_no_file_at_all_gets_bytes(tmp_path: Path) -> None:
    habits = Habits(refuses=lambda post: BAD_FILE if post.way == "files" else None, is_bad=is_bad)
    trial = await tried(tmp_path, habits, bad=2)
    assert len(trial.stranger.posts) <= 2 * 12 + 9
    ways = [call.post.way for call in trial.stranger.posts if call.post]
    assert ways.count("bytes") == 12


@pytest.mark.parametrize("rude", [False, True], ids=["polite", "rude"])
async def test_a_body_too_large_is_sent_in_halves(tmp_path: Path, *, rude: bool) -> None:
    async with Stranger(Habits(largest=400_000, rude=rude)) as stranger:
        trial = Trial(tmp_path, stranger)
        for seed in range(8):
            trial.add(f"{seed}.bmp", picture(seed, "BMP", 200, 150))
        await trial.backfill()
        trial.in_step()
        # 720 KB are two POSTs; a reset is tried again before it is taken for the size's fault.
        assert len(stranger.posts) <= (24 if rude else 8)


async def test_an_image_too_large_alone_is_told_and_the_others_go(tmp_path: Path) -> None:
    async with Stranger(Habits(largest=400_000)) as stranger:
        trial = Trial(tmp_path, stranger)
        trial.fill(some(6))
        large = trial.add("large.bmp", picture(99, "BMP", 500, 500))
        result = await trial.backfill()
        assert not result.in_step
        trial.in_step([large])


@pytest.mark.parametrize(
    "name",
    ["photo", "photo.v2", "photo.jfif"],
)
async def test_every_file_goes_under_a_name_with_the_extension_of_an_image(
    tmp_path: Path, name: str
) -> None:
    await tried(tmp_path, names=["one.jpg", f"x{name}"], include='["*"]')


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF"])
async def test_a_part_says_what_it_is_whatever_its_name(tmp_path: Path, kind: str) -> None:
    async with Stranger() as stranger:
        trial = Trial(tmp_path, stranger)
        trial.add("one.jpg", picture(1, kind))
        trial.add("two.png", picture(2, kind))
        await trial.backfill()
        trial.in_step()


# The wire

WIRES = {
    "HTTP/1.0": Habits(http_1_0=True),
    "HTTP/1.0, compressed": Habits(http_1_0=True, compressed=True),
    "chunked": Habits(chunked=True),
    "chunked, compressed, dripping": Habits(chunked=True, compressed=True, dripping=True),
    "compressed": Habits(compressed=True),
    "dripping": Habits(dripping=True),
    "lower case": Habits(lower_case=True),
    "100 unasked": Habits(interim=[b"HTTP/1.1 100 Continue\r\n\r\n"]),
    "103": Habits(interim=[b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"] * 2),
    "closes silently": Habits(closes=True),
}


@pytest.mark.parametrize("wire", WIRES)
async def test_an_answer_is_understood_however_it_is_framed(tmp_path: Path, wire: str) -> None:
    trial = await tried(tmp_path, WIRES[wire], pack="images = 3")
    # A connection that closes just as it is used again costs a call that is made again.
    assert len(trial.stranger.posts) <= (8 if wire == "closes silently" else 4)


async def test_a_connection_that_serves_once_and_then_hangs_up_is_replaced(tmp_path: Path) -> None:
    trial = await tried(tmp_path, Habits(hangs_up=True), pack="images = 3")
    # Each of the four POSTs may meet each kept connection once.
    assert len(trial.stranger.posts) <= 8


@pytest.mark.parametrize("broken", list(Break))
async def test_a_call_that_breaks_is_made_again(tmp_path: Path, broken: Break) -> None:
    trial = await tried(tmp_path, script=[broken, None, broken], pack="images = 4", timeout="1s")
    assert len(trial.stranger.posts) <= 3 + 2


HTML = "text/html; charset=utf-8"
PASSING = {
    "HTML 502": Reply(502, b"<html><h1>Bad Gateway", content_type=HTML),
    "HTML 502 after the work": Reply(502, b"<html>", content_type=HTML, after_work=True),
    "503, empty": Reply(503),
    "HTML 200": Reply(200, b"<html>Welcome to our hotel's network", content_type=HTML),
    "half a JSON": Reply(200, b'{"images":{"00.jpg":{"hash":"d8f', after_work=True),
    "endless": Reply(200, b" " * 5_000_000),
    "half a JSON, 400": Reply(400, b'{"error":{"code":1'),
    "200, empty": Reply(200, after_work=True),
    "204": Reply(204, after_work=True),
    "200, null": Reply(200, b"null"),
    "200, []": Reply(200, b"[]"),
    "200, {}": Reply(200, b"{}"),
    "200, no UTF-8": Reply(200, b'{"images":{"\xff\xfe":{}}}'),
    "200, deep": Reply(200, b'{"images":' + b"[" * 100_000),
    "1": error(500, 1),
    "2": error(503, 2, is_transient=True),
    "1 with 400": error(400, 1),
    "1/99": error(400, 1, 99),
    "1 as a text": error(400, "1"),
    "transient": error(400, 77777, is_transient=True),
    "1 with 200": error(200, 1),
    "2 after the work": error(500, 2, after_work=True),
}


SAID_AGAIN = {"200, {}": 1 + 4, "200, no UTF-8": 1 + 4, "half a JSON, 400": 1 + 2}


@pytest.mark.parametrize("passing", PASSING)
async def test_what_passes_is_waited_out(tmp_path: Path, passing: str) -> None:
    reply = PASSING[passing]
    trial = await tried(tmp_path, script=[reply], names=some(4))
    # Again whole; what is an answer, but names no image, is asked for each.
    assert len(trial.stranger.posts) <= SAID_AGAIN.get(passing, 2)


ODD = {
    "no code": error(400),
    "no code, 403": error(403),
    "error a text": Reply(400, b'{"error":"no"}'),
    "error null": Reply(400, b'{"error":null}'),
    "error null, 200": Reply(200, b'{"error":null}'),
    "error a list": Reply(400, b'{"error":[{"code":1}]}'),
    "code null": Reply(400, b'{"error":{"code":null,"message":null,"error_subcode":{}}}'),
    "code odd": error(400, "no number", "none either"),
    "code a fraction": error(400, 1.5, 2.5),
    "code large": error(400, 2**70),
    "404 HTML": Reply(404, b"<html>", content_type=HTML),
    "418": Reply(418, b"short and stout"),
    "100 alone": error(400, 100),
}


@pytest.mark.parametrize("odd", ODD)
async def test_what_nobody_understands_once_loses_no_image(tmp_path: Path, odd: str) -> None:
    trial = await tried(tmp_path, script=[ODD[odd]], names=some(4))
    assert len(trial.stranger.posts) <= 1 + 4


async def test_an_image_that_meets_a_nameless_refusal_for_ever_holds_up_no_other(
    tmp_path: Path,
) -> None:
    """100 without a subcode is not known to mean the image: it is told, and not in the way."""
    habits = Habits(is_bad=lambda content: content == BADS[0], bad_fails_all=error(400, 100))
    async with Stranger(habits) as stranger:
        trial = Trial(tmp_path, stranger)
        trial.fill(some(8))
        await trial.backfill(until=lambda: len(trial.held()) == 7 and len(stranger.posts) > 6)
        assert trial.held() == stranger.given[MAIN]
        told = trial.ask("SELECT coalesce(rejected, trouble) FROM replica WHERE hash IS NULL")
        assert len(told) == 1
        assert told[0][0]
        trial.no_complaint()


async def test_a_redirect_takes_no_token_anywhere(tmp_path: Path) -> None:
    async with Stranger() as elsewhere, Stranger() as stranger:
        stranger.script.append(
            Reply(307, headers=[("Location", f"{elsewhere.url}/v25.0/act_{MAIN}/adimages")])
        )
        stranger.script.append(Reply(302, headers=[("Location", "/elsewhere")]))
        trial = Trial(tmp_path, stranger)
        trial.fill(some(2))
        await trial.backfill(until=lambda: len(stranger.posts) >= 2)
        assert not elsewhere.calls
        trial.no_complaint()


# Throttles


def of_main(
    minutes: object = 0, *, kind: str = "ads_management", **more: object
) -> dict[str, object]:
    return {
        "type": kind,
        "call_count": 100,
        "total_cputime": 25,
        "total_time": 25,
        "estimated_time_to_regain_access": minutes,
        "ads_api_access_tier": "development_access",
    } | more


MINUTE, BLOCK, HOUR = 60.0, 300.0, 3600.0
SCORE = (
    "X-Ad-Account-Usage",
    '{"acc_id_util_pct":100,"reset_time_duration":100,"ads_api_access_tier":"development_access"}',
)
THROTTLES: dict[str, tuple[Reply, float]] = {
    "80004": (throttle(80004, 2446079), BLOCK),
    "80004, 0 minutes": (throttle(80004, 2446079, usage({MAIN: [of_main(0)]})), BLOCK),
    "80004, 7 minutes": (throttle(80004, 2446079, usage({MAIN: [of_main(7)]})), 7 * MINUTE),
    "80004, the worst type": (
        throttle(
            80004,
            2446079,
            usage({MAIN: [of_main(3), of_main(55, kind="ads_insights"), of_main(0)]}),
        ),
        55 * MINUTE,
    ),
    "80004, another's minutes": (
        throttle(80004, 2446079, usage({"99": [of_main(500)], MAIN: [of_main(9)]})),
        9 * MINUTE,
    ),
    "80004, another's alone": (throttle(80004, 2446079, usage({"99": [of_main(500)]})), BLOCK),
    "80004, minutes a text": (throttle(80004, 2446079, usage({MAIN: [of_main("8")]})), 8 * MINUTE),
    "80004, a fraction": (throttle(80004, 2446079, usage({MAIN: [of_main(8.5)]})), 8.5 * MINUTE),
    "80004, 200 %": (
        throttle(80004, 2446079, usage({MAIN: [of_main(6, call_count=214)]})),
        6 * MINUTE,
    ),
    "80004, no JSON": (throttle(80004, 2446079, ("X-Business-Use-Case-Usage", "{oops")), BLOCK),
    "80004, odd": (
        throttle(80004, 2446079, ("X-Business-Use-Case-Usage", f'{{"{MAIN}":null}}')),
        BLOCK,
    ),
    "80004, a list": (throttle(80004, 2446079, ("X-Business-Use-Case-Usage", "[1,2]")), BLOCK),
    "80004, negative": (throttle(80004, 2446079, usage({MAIN: [of_main(-3)]})), BLOCK),
    "80004 as a text": (throttle("80004", "2446079"), BLOCK),  # type: ignore[arg-type]
    "80004 with 200": (error(200, 80004, 2446079), BLOCK),
    "17": (throttle(17, 2446079), BLOCK),
    "17, within the block": (throttle(17, 2446079, usage({MAIN: [of_main(1)]})), BLOCK),
    "613/1487742": (throttle(613, 1487742, SCORE), BLOCK),
    "613/5044001": (throttle(613, 5044001), BLOCK),
    "613": (throttle(613, None), HOUR),
    "613, 1 minute": (throttle(613, None, usage({MAIN: [of_main(1)]})), HOUR),
    "368": (throttle(368, None), 4 * HOUR),
    "100/1404078": (throttle(100, 1404078), 4 * HOUR),
    "4": (error(403, 4, is_transient=True), BLOCK),
    "4, status 200": (error(200, 4), BLOCK),
}


@pytest.mark.parametrize("throttled", THROTTLES)
async def test_a_throttle_pauses_the_account_as_long_as_it_must(
    tmp_path: Path, throttled: str
) -> None:
    reply, least = THROTTLES[throttled]
    async with Stranger(Habits(refuses=lambda _post: reply)) as stranger:
        trial = Trial(tmp_path, stranger, pack="images = 2")
        trial.fill(some(12))
        began = time.monotonic()
        await trial.backfill(until=trial.paused)
        assert time.monotonic() - began < 10, "stopping while paused takes no time"
        assert len(stranger.posts) <= 4, "what is in flight, and no more"
        _, seconds = trial.pauses()[MAIN]
        assert seconds is not None
        assert least <= seconds <= 1.11 * least
        assert not trial.rejected()
        trial.no_complaint()
        before = len(stranger.posts)
        await trial.backfill(until=trial.paused)
        assert len(stranger.posts) == before, "a pause survives a restart"


async def test_an_answer_to_a_call_sent_before_the_pause_does_not_end_it(tmp_path: Path) -> None:
    reply = throttle(80004, 2446079, usage({MAIN: [of_main(30)]}))
    async with Stranger(script=[None, reply]) as stranger:
        trial = Trial(tmp_path, stranger, pack="images = 2")
        trial.fill(some(12))
        stranger.at_once.clear()

        def gone_through() -> bool:
            if trial.paused():
                stranger.at_once.set()
            return stranger.at_once.is_set() and bool(trial.held())

        await trial.backfill(until=gone_through)
        assert trial.pauses().keys() == {MAIN}
        assert len(stranger.posts) <= 4


@pytest.mark.parametrize("minutes", [10**9, 10**30])
async def test_a_senseless_time_to_wait_is_no_pause_for_ever(tmp_path: Path, minutes: int) -> None:
    reply = throttle(80004, 2446079, usage({MAIN: [of_main(minutes)]}))
    async with Stranger(Habits(refuses=lambda _post: reply)) as stranger:
        trial = Trial(tmp_path, stranger)
        trial.fill(some(1))
        await trial.backfill(until=trial.paused)
        _, seconds = trial.pauses()[MAIN]
        assert seconds is not None
        assert BLOCK <= seconds <= 48 * HOUR


async def test_one_account_s_throttle_stops_no_other(tmp_path: Path) -> None:
    reply = throttle(80004, 2446079, usage({MAIN: [of_main(30)]}))
    habits = Habits(refuses=lambda post: reply if post.account == MAIN else None)
    async with Stranger(habits) as stranger:
        trial = Trial(tmp_path, stranger, mirrors=("42",))
        trial.fill(some(5))
        await trial.backfill(until=lambda: len(trial.held("42")) == 5 and trial.paused())
        trial.in_step(account="42")
        assert trial.pauses().keys() == {MAIN}


async def test_the_app_s_throttle_stops_every_account_of_the_token(tmp_path: Path) -> None:
    reply = error(403, 4, is_transient=True)
    async with Stranger(Habits(refuses=lambda _post: reply)) as stranger:
        trial = Trial(tmp_path, stranger, mirrors=("42", "43"))
        trial.fill(some(5))
        await trial.backfill(until=trial.paused)
        assert trial.pauses().keys() == {MAIN, "42", "43"}


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [
            usage(
                {MAIN: [of_main(0, call_count=250)], "99": [of_main(77), of_main(88, kind="pages")]}
            )
        ],
        [usage({MAIN: [of_main(0)]}), usage({"99": [of_main(5)]})],
        [("X-Business-Use-Case-Usage", "no JSON"), ("X-Ad-Account-Usage", "null")],
        [("X-Business-Use-Case-Usage", ""), ("X-App-Usage", "[]")],
        [("X-Ad-Account-Usage", '{"acc_id_util_pct":"9.67","reset_time_duration":null}')],
        [("X-Business-Use-Case-Usage", f'{{"{MAIN}":[null,7,{{}},{{"type":7}}]}}')],
        [("X-App-Usage", '{"call_count":1e999}')],
        [usage({str(n): [of_main(n)] for n in range(32)})],
    ],
    ids=[
        "none",
        "over 100",
        "twice",
        "no JSON",
        "empty",
        "texts",
        "odd",
        "infinite",
        "many accounts",
    ],
)
async def test_a_header_of_usage_beside_an_answer_is_no_harm(
    tmp_path: Path, headers: list[tuple[str, str]]
) -> None:
    trial = await tried(
        tmp_path, Habits(headers=lambda _a: headers, lower_case=True), names=some(3)
    )
    assert len(trial.stranger.posts) == 1
    assert not trial.pauses()


# Tokens and permissions

STOPS = {
    "190": error(400, 190, 463),
    "190 with 401": error(401, 190),
    "190 as a text": error(400, "190"),
    "190 with 200": error(200, 190),
    "102": error(400, 102),
    "415": error(400, 415),
    "200": error(403, 200),
    "10": error(400, 10),
    "3": error(400, 3),
    "294": error(400, 294),
    "2635": error(400, 2635),
    "100/33": error(400, 100, 33),
}


@pytest.mark.parametrize("stop", STOPS)
async def test_an_account_that_is_closed_to_us_is_left_at_once(tmp_path: Path, stop: str) -> None:
    async with Stranger(Habits(refuses=lambda _post: STOPS[stop])) as stranger:
        trial = Trial(tmp_path, stranger, pack="images = 2")
        trial.fill(some(20))
        result = await trial.backfill()
        assert not result.in_step
        assert len(stranger.posts) <= 4
        assert not trial.held()
        assert not trial.rejected()
        trial.no_complaint()


# `syncd check`


@pytest.mark.parametrize("wire", WIRES)
async def test_check_understands_whatever_is_framed_whichever_way(
    tmp_path: Path, wire: str
) -> None:
    async with Stranger(WIRES[wire]) as stranger:
        trial = Trial(tmp_path, stranger)
        trial.fill(some(1))
        config = trial.config()
        async with asyncio.timeout(DEADLINE):
            found = await asyncio.to_thread(
                check_all,
                config,
                Perspective(current_user()),
                {"STRANGER": TOKEN},
                lambda _secret: None,
                Path("/proc/sys/fs/inotify"),
            )
        assert [check.message for check in found if not check.is_ok] == []
        trial.no_complaint()
        assert {call.head.path for call in stranger.calls} == {"/v25.0/me", f"/v25.0/act_{MAIN}"}
