"""`syncd export`: a row for each file and account, for spreadsheets and for programs."""

import asyncio
import csv
import io
import json
import os
import re
import sqlite3
import subprocess
import sys
import tracemalloc
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
from support.pictures import picture
from support.process import syncd
from support.rig import Rig

from syncd.cli.export import Line
from syncd.images.unfinished import Unfinished
from syncd.ledger import export, files, folders, replicas, schema
from syncd.ledger.database import open_ledger
from syncd.ledger.file import changing, reading
from syncd.ledger.files import Content, Place
from syncd.man.blocks import Term
from syncd.man.topics import topics
from syncd.model import AccountId, Digest, Entry, FolderName, ImageHash, Stat

ONE, TWO = AccountId("1"), AccountId("2")
STAT = Stat(device=1, inode=2, size=3, mtime_ns=4, ctime_ns=5)


@pytest.fixture
def two(tmp_path: Path, rig: Rig) -> Rig:
    """A folder with a mirror."""
    return Rig(tmp_path, rig.sandbox, accounts={"main": "1", "eu": "2"}, mirrors=("eu",))


def digest(number: int) -> Digest:
    return Digest(sha256(b"%d" % number).digest())


def content(number: int, unfit: str | None = None) -> Content:
    return Content(digest=digest(number), size=7, format="PNG", width=1, height=1, unfit=unfit)


async def exported(rig: Rig, *words: str) -> list[dict[str, object]]:
    ended = await syncd(
        rig, "export", "--config", str(rig.write_config()), "--format", "json", *words
    )
    assert ended.code == 0, ended.err
    rows: list[dict[str, object]] = json.loads(ended.out)
    return rows


async def test_each_file_has_a_row_in_each_of_its_accounts(two: Rig) -> None:
    image = picture(1)
    two.write("autumn/a.png", image)
    two.write("no image.txt.png", b"words")
    await two.backfill()
    rows = await exported(two)
    held = [row for row in rows if row["file"] == f"{two.folder}/autumn/a.png"]
    assert held == [
        {
            "file": f"{two.folder}/autumn/a.png",
            "folder": "spring",
            "account": name,
            "sha256": sha256(image).hexdigest(),
            "hash": two.recorded(image, number),
            "name": "a.png",
            "size": len(image),
            "state": "held",
            "why": None,
        }
        for name, number in two.accounts.items()
    ]
    assert all(row["hash"] for row in held)
    others = [row for row in rows if row not in held]
    assert [(row["state"], row["hash"]) for row in others] == [("rejected", None)] * 2
    assert all(row["why"] for row in others)
    assert {row["account"] for row in await exported(two, "--account", "eu")} == {"eu"}


async def test_a_missing_unreadable_or_unfinished_file_has_its_reason(rig: Rig) -> None:
    async with open_ledger(rig.ledger) as ledger:
        folder = await ledger.write(
            folders.declare(FolderName("spring"), os.fsencode(rig.folder), [ONE])
        )
        await ledger.write(files.record_all([(Place(folder, b"", b"a"), STAT, content(1))]))
        await ledger.write(files.record_all([(Place(folder, b"", b"b"), STAT, content(2))]))
        await ledger.write(replicas.record_trouble(ONE, [digest(2)], "HTTP 503"))
        await ledger.write(
            files.record_all([(Place(folder, b"", b"c"), STAT, "Permission denied")])
        )
        await ledger.write(files.record_all([(Place(folder, b"", b"d"), STAT, "hole")]))
    rows = await exported(rig)
    assert [(row["state"], row["why"], row["size"]) for row in rows] == [
        ("missing", "syncd is not running", 3),
        ("missing", "HTTP 503", 3),
        ("unreadable", "Permission denied", 3),
        ("unfinished", f"not finished: {Unfinished.HOLE.reason}", 3),
    ]
    assert [row["sha256"] for row in rows] == [digest(1).hex(), digest(2).hex(), None, None]


NAMES = [
    b"plain.png",
    b'comma, quote".png',
    b"new\nline.png",
    b"\xffnot utf-8.png",
    "Frühling🌷.png".encode(),
]


async def test_no_name_breaks_a_row(rig: Rig) -> None:
    async with open_ledger(rig.ledger) as ledger:
        folder = await ledger.write(folders.declare(FolderName("spring"), b"/s/", [ONE]))
        for number, name in enumerate(NAMES):
            place = Place(folder, b"", name)
            await ledger.write(files.record_all([(place, STAT, content(number))]))
    shown = {
        "/s/plain.png", '/s/comma, quote".png', "/s/new\\x0aline.png", "/s/\\xffnot utf-8.png",
        "/s/Frühling🌷.png",
    }  # fmt: skip
    assert {row["file"] for row in await exported(rig)} == shown
    ended = await syncd(rig, "export", "--config", str(rig.write_config()))
    assert {row["file"] for row in csv.DictReader(io.StringIO(ended.out))} == shown


async def test_the_csv_columns_are_those_of_the_manual(rig: Rig) -> None:
    terms = [block.term for block in topics()["export"].blocks if isinstance(block, Term)]
    assert re.findall(r"`(\w+)`", " ".join(terms)) == list(Line.__struct_fields__)
    rig.write("a.png", picture(1))
    await rig.backfill()
    command = [sys.executable, "-m", "syncd", "export", "--config", str(rig.write_config())]
    # An ASCII locale changes nothing.
    environ = {**rig.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    out = (await asyncio.to_thread(subprocess.check_output, command, env=environ)).decode()
    lines = out.split("\r\n")
    assert lines[0] == ",".join(Line.__struct_fields__)
    assert lines[-1] == ""
    assert "\n" not in "".join(lines)


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@a", "＝1"])
async def test_an_image_name_is_not_exported_as_a_formula(rig: Rig, name: str) -> None:
    async with open_ledger(rig.ledger) as ledger:
        folder = await ledger.write(folders.declare(FolderName("spring"), b"/s", [ONE]))
        await ledger.write(files.record_all([(Place(folder, b"", b"a"), STAT, content(1))]))
        entry = Entry(hash=ImageHash("ff"), name=name)
        await ledger.write(replicas.record_held(ONE, [(digest(1), entry)], 1.0))
    ended = await syncd(rig, "export", "--config", str(rig.write_config()))
    (row,) = csv.DictReader(io.StringIO(ended.out, newline=""))
    assert row["name"] == f"'{name}"
    (exact,) = await exported(rig)
    assert exact["name"] == name


async def test_an_empty_ledger_is_exported_as_an_empty_array(rig: Rig) -> None:
    async with open_ledger(rig.ledger):
        pass
    assert await exported(rig) == []


async def test_a_missing_ledger_and_an_unknown_account_are_reported(rig: Rig) -> None:
    ended = await syncd(rig, "export", "--config", str(rig.write_config()))
    assert (ended.code, ended.out) == (1, "")
    assert "no ledger at" in ended.err
    ended = await syncd(rig, "export", "--config", str(rig.write_config()), "--account", "mian")
    assert (ended.code, ended.out) == (2, "")
    assert "it has: main" in ended.err


async def many(path: Path, count: int) -> None:
    async with open_ledger(path) as ledger:
        folder = await ledger.write(folders.declare(FolderName("spring"), b"/s", [ONE, TWO]))
        await ledger.write(
            files.record_all(
                [
                    (Place(folder, b"d%d" % (n % 7), b"%d" % n), STAT, content(n))
                    for n in range(count)
                ]
            )
        )


async def test_a_closed_pipe_ends_the_export_silently(rig: Rig) -> None:
    await many(rig.ledger, 5000)
    command = f"{sys.executable} -m syncd export --config {rig.write_config()}"
    ended = await asyncio.to_thread(
        subprocess.run,
        ["bash", "-o", "pipefail", "-c", f"{command} | head -n 1"],
        env=rig.environ,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("file,")


async def test_a_full_disk_is_reported_without_a_traceback(rig: Rig) -> None:
    await many(rig.ledger, 500)
    command = f"{sys.executable} -m syncd export --config {rig.write_config()} > /dev/full"
    ended = await asyncio.to_thread(
        subprocess.run,
        command,
        shell=True,
        env=rig.environ,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 74
    assert ended.stderr == "syncd: the output is incomplete: No space left on device\n"


async def test_pages_neither_lose_nor_repeat_a_row(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    await many(path, 60)
    for size in (1, 7, 8, 60, 100):
        with reading(path) as db:
            rows = [(row.path, row.account) for row in export.rows(db, page_size=size)]
        assert sorted(rows) == sorted(
            (b"/s/d%d/%d" % (n % 7, n), account) for n in range(60) for account in (ONE, TWO)
        )


async def test_a_folder_without_an_account_has_no_row_and_does_not_end_the_export(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger.db"
    await many(path, 60)
    with changing(path) as db:
        folders.retire_others([])(db)
        other = folders.declare(FolderName("later"), b"/l", [ONE])(db)
        files.record_all([(Place(other, b"", b"a"), STAT, content(1))])(db)
    with reading(path) as db:
        assert [row.path for row in export.rows(db, page_size=10)] == [b"/l/a"]


async def test_no_read_is_open_between_two_rows(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    await many(path, 600)
    with reading(path) as db:
        rows = export.rows(db)
        next(rows)
        with changing(path) as other:
            folders.declare(FolderName("later"), b"/l", [ONE])(other)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
        assert len(list(rows)) == 1199


def test_memory_does_not_grow_with_the_ledger() -> None:
    peaks = []
    for count in (500, 5000):
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
            schema.create(db)
            folder = folders.declare(FolderName("spring"), b"/s", [ONE])(db)
            for n in range(count):
                files.record_all([(Place(folder, b"", b"%d" % n), STAT, content(n))])(db)
            tracemalloc.start()
            assert sum(1 for _ in export.rows(db, page_size=50)) == count
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.5
