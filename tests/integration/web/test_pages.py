"""The pages over HTTP: what they show, who may see them, and which headers they have."""

import csv
import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from html import escape
from io import BytesIO
from pathlib import Path

import aiohttp
import msgspec
import pytest
from PIL import Image
from support.process import syncd
from support.rig import Rig
from support.web_library import FORMULA, MARKUP, picture, served

from syncd.sandbox.server import Sandbox

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class Visitor:
    """A browser without scripts."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def get(self, path: str, **headers: str) -> Reply:
        return await self._send("GET", path, headers)

    async def post(self, path: str, *form: tuple[str, str]) -> Reply:
        return await self._send("POST", path, {}, form)

    async def delete(self, path: str) -> Reply:
        return await self._send("DELETE", path, {})

    async def _send(
        self, method: str, path: str, headers: Mapping[str, str], form: object = None
    ) -> Reply:
        async with self._session.request(
            method, self._url + path, headers=headers, data=form, allow_redirects=False
        ) as response:
            body = await response.read()
            return Reply(status=response.status, headers=dict(response.headers), body=body)


@asynccontextmanager
async def visitor(rig: Rig, password: str | None = None) -> AsyncIterator[Visitor]:
    jar = aiohttp.CookieJar(unsafe=True)  # it keeps the cookies of an IP address
    async with served(rig, password) as url, aiohttp.ClientSession(cookie_jar=jar) as session:
        yield Visitor(session, url)


@pytest.fixture
async def visit(library: Rig) -> AsyncIterator[Visitor]:
    async with visitor(library) as visitor_:
        yield visitor_


def names(page: str) -> list[str]:
    return re.findall(r"<h3><a [^>]*><bdi>([^<]*)</bdi>", page)


def digests(page: str) -> list[str]:
    return re.findall(r'data-digest="([0-9a-f]{64})"', page)


async def test_the_overview_shows_accounts_folders_and_whether_the_daemon_runs(
    visit: Visitor,
) -> None:
    page = (await visit.get("/")).text
    assert "syncd is not running" in page
    assert page.count("<b>89</b> held") == 2
    assert "90 files" in page


async def test_the_library_is_complete_page_by_page(visit: Visitor) -> None:
    found: list[str] = []
    address = "/library"
    while address:
        page = (await visit.get(address)).text
        found += digests(page)
        more = re.search(r'href="([^"]*)" id="more"', page)
        address = more[1].replace("&amp;", "&") if more else ""
    assert len(found) == len(set(found)) == 89


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=SUMMER", 3),
        ("q=summer_9x16", 1),
        ("ratio=9:16", 1),
        ("size=96x50", 1),
        ("state=missing", 0),
        ("q=_1x1&account=eu&state=held&format=PNG&folder=spring", 6),
        ("until=2001-01-01", 0),
    ],
)
async def test_a_search_shows_the_images_that_match(
    visit: Visitor, query: str, expected: int
) -> None:
    assert len(digests((await visit.get(f"/library?{query}")).text)) == expected


async def test_an_image_is_found_by_its_hash_and_its_digest(visit: Visitor) -> None:
    page = (await visit.get("/library?q=summer_9x16")).text
    (digest,) = digests(page)
    image_hash = re.findall(r'data-account="main">([^<]+)<', page)[0]
    for text in (digest[:12], image_hash[:12]):
        assert digests((await visit.get(f"/library?q={text}")).text) == [digest]


async def test_a_card_shows_the_ratios_that_the_motif_has_and_lacks(visit: Visitor) -> None:
    page = (await visit.get("/library?q=winter")).text
    assert names(page) == ["winter_1x1.png"]
    assert re.findall(r"no (9x16|1x1|horizontal)<", page) == ["9x16", "horizontal"]


async def test_the_page_of_an_image_shows_accounts_files_and_history(visit: Visitor) -> None:
    (digest,) = digests((await visit.get("/library?q=summer_1x1")).text)
    page = (await visit.get(f"/image/{digest}")).text
    assert page.count("held as") == 2
    assert page.count("/folder/") > page.count("again/summer_1x1.png") > 0
    assert "uploaded to " in page
    assert digest in page


async def test_an_image_that_was_copied_names_its_source(tmp_path: Path) -> None:
    async with Sandbox() as sandbox:
        rig = Rig(
            tmp_path,
            sandbox,
            accounts={"main": "1", "eu": "2"},
            mirrors=("eu",),
            per_folder='copy = "copy"',
        )
        rig.write("a.png", picture(1, (9, 9)))
        await rig.backfill()
        async with visitor(rig) as visit:
            for state, expected in (("held", 1), ("copied", 1), ("missing", 0)):
                page = (await visit.get(f"/library?state={state}")).text
                assert len(digests(page)) == expected, state
            page = (await visit.get("/library")).text
            assert re.findall(r'title="([^"]*)"><bdi>(\w+)</bdi> <b>(\w+)<', page) == [
                ("copied from main", "eu", "copied")
            ]
            image = (await visit.get(f"/image/{digests(page)[0]}")).text
        found = await syncd(rig, "find", "a.png", "--config", str(rig.write_config()))
        words = ", copied from main"
        assert image.count(words) == found.out.count(words) == 1


async def test_hostile_names_are_text(visit: Visitor) -> None:
    page = (await visit.get("/library?q=x")).text
    assert "<img src=x" not in page
    assert escape(MARKUP) in page
    assert "gnp.\\xe2\\x80\\xaegpj_1x1.png" in page
    odd = (await visit.get("/library?q=lines.png")).text
    assert names(odd) == ["two\\x0alines.png"]


async def test_a_csv_has_the_hash_of_each_account_and_no_formula(visit: Visitor) -> None:
    page = (await visit.get("/library?q=cmd")).text
    (digest,) = digests(page)
    reply = await visit.post("/csv", ("image", digest), ("image", "wrong"))
    rows = list(csv.DictReader(reply.text.splitlines()))
    assert [row["account"] for row in rows] == ["main", "eu"]
    assert {row["file_name"] for row in rows} == {f"'{FORMULA}"}
    assert {row["hash"] for row in rows} == set(re.findall(r'data-copy="([^"]+)"', page))
    assert "attachment" in reply.headers["Content-Disposition"]
    only = (await visit.post("/csv", ("image", digest), ("account", "eu"))).text
    assert [row["account_id"] for row in csv.DictReader(only.splitlines())] == ["act_2"]


async def test_a_picture_is_small_and_upright(tmp_path: Path) -> None:
    out = BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    Image.new("RGB", (1000, 500), (9, 9, 9)).save(out, "JPEG", exif=exif)
    async with Sandbox() as sandbox:
        rig = Rig(tmp_path, sandbox)
        file = rig.write("turned.jpg", out.getvalue())
        await rig.backfill()
        async with visitor(rig) as visit:
            (digest,) = digests((await visit.get("/library")).text)
            reply = await visit.get(f"/small/{digest}")
            assert reply.headers["Content-Type"] == "image/webp"
            assert Image.open(BytesIO(reply.body)).size == (160, 320)
            os.utime(file, (1, 1))  # it may contain something else now
            assert (await visit.get(f"/large/{digest}")).headers["Content-Type"] == "image/svg+xml"
            file.unlink()
            assert (await visit.get(f"/large/{digest}")).status == 200


async def test_every_response_has_the_headers_that_limit_a_page(visit: Visitor) -> None:
    for path in ("/", "/library", "/static/style.css", "/nothing", "/small/" + 64 * "0"):
        reply = await visit.get(path)
        assert HEADERS.items() <= reply.headers.items(), path
        assert "script-src 'self'" in reply.headers["Content-Security-Policy"]
        assert "unsafe" not in reply.headers["Content-Security-Policy"]
    assert (await visit.delete("/")).headers.items() >= HEADERS.items()


async def test_an_unknown_page_is_not_found(visit: Visitor) -> None:
    for path in ("/nothing", "/image/12", "/image/" + 64 * "0", "/static/../app.py"):
        assert (await visit.get(path)).status == 404, path


async def test_another_host_name_is_rejected_without_a_password(visit: Visitor) -> None:
    assert (await visit.get("/library", Host="evil.com")).status == 403
    assert (await visit.get("/library", Host="localhost:1")).status == 200


async def test_a_password_is_needed_for_every_page(library: Rig) -> None:
    async with visitor(library, "right") as visit:
        for path in ("/", "/library", "/image/" + 64 * "0", "/small/" + 64 * "0"):
            reply = await visit.get(path, Host="library.example.com")
            assert (reply.status, reply.headers["Location"]) == (303, "/login")
        assert (await visit.post("/csv")).status == 303
        assert (await visit.get("/login")).status == 200


async def test_the_password_opens_a_session_until_it_is_closed(library: Rig) -> None:
    async with visitor(library, "right") as visit:
        assert (await visit.post("/login", ("password", "wrong"))).status == 403
        reply = await visit.post("/login", ("password", "right"))
        assert {"HttpOnly", "SameSite=Strict"} <= set(reply.headers["Set-Cookie"].split("; "))
        assert "right" not in reply.headers["Set-Cookie"]
        assert (await visit.get("/")).status == 200
        assert (await visit.post("/logout")).status == 303
        assert (await visit.get("/")).status == 303


async def test_passwords_cannot_be_tried_without_limit(library: Rig) -> None:
    async with visitor(library, "right") as visit:
        for _ in range(5):
            assert (await visit.post("/login", ("password", "wrong"))).status == 403
        assert (await visit.post("/login", ("password", "right"))).status == 429


async def test_a_missing_ledger_is_reported(tmp_path: Path) -> None:
    async with Sandbox() as sandbox:
        rig = Rig(tmp_path, sandbox)
        async with visitor(rig) as visit:
            reply = await visit.get("/")
            assert reply.status == 503
            assert "syncd run` creates it" in reply.text
            rig.write("a.png", BytesIO().getvalue())
            await rig.backfill()
            assert (await visit.get("/")).status == 200
