"""The pages over HTTP: what they show, who may see them, and which headers they have."""

import asyncio
import csv
import os
import re
import sqlite3
from contextlib import AsyncExitStack, closing
from html import escape, unescape
from io import BytesIO
from pathlib import Path
from urllib.parse import quote, urlsplit

import aiohttp
import pytest
from PIL import Image
from structlog.testing import capture_logs
from support.ledgers import fixture
from support.process import syncd
from support.rig import DEADLINE, Rig, until
from support.visitor import Visitor, digests, names, visitor
from support.web_library import FORMULA, MARKUP, picture, served

from syncd.daemon.status_writer import StatusWriter
from syncd.folders.unknown import NOT_SCANNED
from syncd.images.unfinished import sentence
from syncd.ledger import schema
from syncd.ledger.lock import exclusive_lock
from syncd.ledger.migration import migrate
from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches
from syncd.web.server import MOST_CONNECTIONS

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}


async def test_the_overview_shows_accounts_folders_and_whether_the_daemon_runs(
    visit: Visitor,
) -> None:
    page = (await visit.get("/")).text
    assert "syncd is not running" in page
    assert page.count("<b>89</b> held") == 2
    assert "90 files" in page


async def test_the_overview_plots_what_the_backfill_has_done(library: Rig, visit: Visitor) -> None:
    page = (await visit.get("/")).text
    uploaded, copied = images_of(library, "1"), images_of(library, "2")
    assert sum(uploaded) == sum(copied) == 89
    both = [sum(one) for one in zip(uploaded, copied, strict=True)]
    assert page.count("{} uploaded, {} copied, 0 deleted in all".format(*both)) == 2
    assert 'href="/?account=eu#activity"' in page
    assert 'class="share' not in page, "no daemon runs"


async def test_the_overview_plots_the_account_that_is_chosen(library: Rig, visit: Visitor) -> None:
    page = (await visit.get("/?account=eu")).text
    assert "<h2>Activity of <bdi>eu</bdi></h2>" in page
    images = "{} uploaded, {} copied, 0 deleted in all".format(*images_of(library, "2"))
    assert page.count(images) == 2
    for unknown in ("nobody", MARKUP, ""):
        page = (await visit.get(f"/?account={quote(unknown)}")).text
        assert "<h2>Activity of all accounts</h2>" in page
        assert "onerror" not in page


def images_of(rig: Rig, account: str) -> tuple[int, int]:
    """Return how many images were uploaded and copied, as the ledger has counted."""
    columns = "sum(uploaded), sum(copied) FROM activity JOIN account ON account.id = account_id"
    ((uploaded, copied),) = rig.rows(f"SELECT {columns} WHERE act = ?", account)
    return uploaded, copied


async def test_the_overview_shows_the_budget_and_when_missing_images_will_be_there(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    sandbox.switches = Switches(tier="development")
    sandbox.faults.add(Fault("17", on="upload", account="1"))
    rig = Rig(tmp_path, sandbox, per_account="")
    rig.write("a.png", picture(1, (20, 20)))
    async with rig.running() as runtime, visitor(rig) as visit:
        await until(lambda: rig.rows("SELECT 1 FROM pause") != [])
        writing = asyncio.create_task(StatusWriter({}, "run", rig.ledger).run(runtime))
        await until(rig.status_file.exists)
        writing.cancel()
        page = (await visit.get("/")).text
    assert '5.6 % of the budget used<svg class="share" aria-hidden="true"' in page
    assert '<rect width="5.6%" height="100%">' in page
    assert re.search(r"1 missing image waits until [0-9: -]+, then about 1 s \([0-9: -]+\)", page)
    assert "1 throttled; at most 5.6 % of the budget" in page


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


async def test_the_families_show_ratios_and_accounts(visit: Visitor) -> None:
    page = (await visit.get("/families")).text
    motifs = re.findall(r"<h3><a [^>]*><bdi>([^<]*)</bdi>", page)
    assert motifs.count("summer") == 2, "one in each directory"
    summer = (await visit.get("/families?q=SUMMER&folder=spring")).text
    ratios = re.findall(r'<span class="ratio">([^<]*)<', summer)
    assert sorted(ratios) == ["1x1", "1x1", "9x16", "horizontal"]
    assert summer.count("<b>held</b>") == 4
    winter = (await visit.get("/families?q=winter")).text
    assert winter.count('class="absent"') == 2
    assert "No family matches" in (await visit.get("/families?q=nothing")).text


async def test_the_page_of_an_image_shows_accounts_files_and_history(visit: Visitor) -> None:
    (digest,) = digests((await visit.get("/library?q=summer_1x1")).text)
    page = (await visit.get(f"/image/{digest}")).text
    assert page.count("held as") == 2
    assert page.count("/folder/") > page.count("again/summer_1x1.png") > 0
    assert "uploaded to " in page
    assert digest in page


async def test_the_page_of_an_image_shows_why_an_account_does_not_need_it(tmp_path: Path) -> None:
    async with Sandbox() as sandbox:
        rig = Rig(tmp_path, sandbox, accounts={"main": "1", "eu": "2", "us": "3"})
        rig.write("a.png", picture(1, (9, 9)))
        await rig.backfill()
        async with visitor(rig) as visit:
            (digest,) = digests((await visit.get("/library")).text)
            page = (await visit.get(f"/image/{digest}")).text
    assert "2 other accounts: the folder spring, which has it, does not feed the account" in page
    assert "<bdi>eu</bdi>, <bdi>us</bdi>" in page


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


async def test_a_search_for_a_file_without_an_image_shows_why(tmp_path: Path) -> None:
    async with Sandbox() as sandbox:
        rig = Rig(tmp_path, sandbox, per_folder='exclude = ["drafts/"]')
        rig.write("deep/Poster_a.webp", picture(1, (9, 9)))
        rig.write("drafts/poster_b.png", picture(2, (9, 9)))
        rig.write("poster_c.png", b"")
        rig.write("other.png", picture(3, (9, 9)))
        await rig.backfill()
        rig.write("poster_<d>.png", picture(4, (9, 9)))
        config = str(rig.write_config())
        async with visitor(rig) as visit:
            page = (await visit.get("/library?q=POSTER")).text
            shown = re.findall(r"<li><code><bdi>([^<]*)</bdi></code>.*?: ([^<]*)</span>", page)
            whys = {unescape(path): unescape(why) for path, why in shown}
            webp = str(rig.folder / "deep/Poster_a.webp")
            found = await syncd(rig, "find", webp, "--config", config)
            assert f"{webp} is not in the ledger: {whys.pop(webp)}\n" in found.err
            assert sorted(whys.values()) == sorted(
                [
                    sentence("empty"),
                    f"{NOT_SCANNED}, and syncd is not running",
                    "skipped (excluded)",
                ]
            )
            assert (
                "has <bdi>poster_x</bdi> in its name, either"
                in (await visit.get("/library?q=poster_x")).text
            )
            filtered = (await visit.get("/library?q=other&format=GIF")).text
            assert 'href="/library?q=other"' in filtered
            assert 'id="absent"' not in (await visit.get("/library?q=other")).text


async def test_an_empty_library_leads_to_the_overview(tmp_path: Path) -> None:
    async with Sandbox() as sandbox:
        rig = Rig(tmp_path, sandbox)
        await rig.backfill()
        async with visitor(rig) as visit:
            assert "The library is empty" in (await visit.get("/library")).text


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


async def test_a_csv_has_the_last_of_ten_thousand_marks(visit: Visitor) -> None:
    (digest,) = digests((await visit.get("/library?q=cmd")).text)
    marks = [("image", f"{number:064x}") for number in range(9_999)]
    reply = await visit.post("/csv", *marks, ("image", digest))
    assert len(reply.text.splitlines()) == 3


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
    head = await visit.send("HEAD", "/", {})
    assert (head.status, head.body) == (200, b"")
    assert head.headers.items() >= HEADERS.items()


async def test_an_unknown_page_is_not_found(visit: Visitor) -> None:
    for path in ("/nothing", "/image/12", "/image/" + 64 * "0", "/static/../app.py"):
        assert (await visit.get(path)).status == 404, path


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


def put_back(backup: Path, ledger: Path) -> None:
    """Restore a backup as the manual describes it."""
    for end in ("-wal", "-shm"):
        Path(f"{ledger}{end}").unlink(missing_ok=True)
    os.replace(backup, ledger)


async def test_an_older_ledger_is_reported_until_it_is_migrated(tmp_path: Path) -> None:
    async with Sandbox() as sandbox:
        rig = Rig(tmp_path, sandbox)
        fixture.write(schema.OLDEST, rig.ledger)
        async with visitor(rig) as visit:
            with exclusive_lock(rig.ledger):  # the daemon from before an upgrade runs
                reply = await visit.get("/")
                assert (reply.status, "restart the daemon" in reply.text) == (503, True)
                done = migrate(rig.ledger, lambda *_: None)
            assert (await visit.get("/")).status == 200
            assert done is not None
            put_back(done.backup, rig.ledger)  # the wrong file was restored
            assert (await visit.get("/")).status == 503


async def test_a_bug_is_logged_and_gets_a_page_with_what_to_do(tmp_path: Path) -> None:
    async with Sandbox() as sandbox:
        rig = Rig(tmp_path, sandbox)
        rig.write("a.png", picture(1, (9, 9)))
        await rig.backfill()
        with closing(sqlite3.connect(rig.ledger)) as db, db:
            db.execute("DROP TABLE history")
        with capture_logs() as logs:
            async with visitor(rig) as visit:
                (digest,) = digests((await visit.get("/library")).text)
                reply = await visit.get(f"/image/{digest}")
                assert (reply.status, (await visit.get("/library")).status) == (500, 200)
    assert "web.failed in its log" in reply.text
    assert HEADERS.items() <= reply.headers.items()
    (logged,) = (one for one in logs if one["event"] == "web.failed")
    assert (logged["log_level"], logged["path"]) == ("critical", f"/image/{digest}")
    assert isinstance(logged["exc_info"], sqlite3.OperationalError)


async def test_a_value_that_syncd_never_writes_is_shown_as_damage(tmp_path: Path) -> None:
    async with Sandbox() as sandbox:
        rig = Rig(tmp_path, sandbox)
        rig.write("a.png", picture(1, (9, 9)))
        await rig.backfill()
        with closing(sqlite3.connect(rig.ledger)) as db, db:
            db.execute("UPDATE history SET what = 'a code that this version does not know'")
        async with visitor(rig) as visit:
            (digest,) = digests((await visit.get("/library")).text)
            reply = await visit.get(f"/image/{digest}")
    assert reply.status == 503
    assert "is damaged" in reply.text


HALF_A_FORM = (
    b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\npassword="
)


@pytest.mark.parametrize("sent", [b"", HALF_A_FORM], ids=["nothing", "half a form"])
async def test_connections_without_a_request_keep_no_visitor_out(rig: Rig, sent: bytes) -> None:
    async with served(rig) as url, AsyncExitStack() as stack:
        parts = urlsplit(url)
        idle = []
        for _ in range(MOST_CONNECTIONS):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            stack.callback(writer.close)
            writer.write(sent)
            idle.append(reader)
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{url}/static/style.css") as got,
        ):
            assert got.status == 200
        async with asyncio.timeout(DEADLINE):
            assert await idle[0].read() == b""
        assert not idle[-1].at_eof()
