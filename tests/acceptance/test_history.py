"""`syncd log` prints what happened to each image, in the order in which it happened."""

import asyncio
import json
import os
import pwd
import re
import shutil
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support.pictures import picture
from support.process import Daemon, Ended, running, syncd
from support.rig import Rig, rig_without_grace, until

from syncd.ledger.file import changing
from syncd.sandbox.server import Sandbox

ONE, TWO = picture(1), picture(2)
USER = os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def rig(tmp_path: Path, sandbox: Sandbox) -> Rig:
    accounts = {"main": "1", "eu": "2"}
    return Rig(tmp_path, sandbox, accounts=accounts, mirrors=("eu",), per_folder='copy = "copy"')


async def command(rig: Rig, *words: str) -> Ended:
    return await syncd(rig, *words, "--config", str(rig.write_config()))


async def log(rig: Rig, *words: str) -> list[dict[str, Any]]:
    ended = await command(rig, "log", *words, "--json")
    assert ended.code == 0, ended
    found = json.loads(ended.out)
    assert isinstance(found, list)
    return found


async def whats(rig: Rig, *words: str) -> list[tuple[str, str | None]]:
    return [(row["what"], row["account"]) for row in await log(rig, *words)]


async def test_an_image_is_found_uploaded_and_copied(rig: Rig) -> None:
    path = rig.write("sub/a.jpg", ONE)
    assert (await command(rig, "backfill")).code == 0
    rows = await log(rig)
    assert [(row["what"], row["account"]) for row in rows] == [
        ("found", None),
        ("uploaded", "main"),
        ("copied", "eu"),
    ]
    assert {row["file"] for row in rows} == {str(path)}
    assert {row["sha256"] for row in rows} == {sha256(ONE).hexdigest()}
    assert [row["hash"] for row in rows] == [None, rig.recorded(ONE), rig.recorded(ONE, "2")]
    assert all(
        re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row["timestamp"]) for row in rows
    )
    lines = (await command(rig, "log", "a.jpg")).out.splitlines()
    assert [line[21:] for line in lines] == [
        f"found  {path}",
        f"uploaded to main  {path}  {rig.recorded(ONE)}",
        f"copied to eu  {path}  {rig.recorded(ONE, '2')}",
    ]


async def test_a_rejected_file_has_its_reason(rig: Rig) -> None:
    rig.write("a.jpg", b"not a picture")
    await command(rig, "backfill")
    rows = await log(rig, "--what", "rejected")
    assert {row["account"] for row in rows} == {"main", "eu"}
    assert all(row["why"] for row in rows)


async def test_a_lost_image_is_restored(rig: Rig) -> None:
    rig.write("a.jpg", ONE)
    await command(rig, "backfill")
    image_hash = rig.recorded(ONE)
    assert image_hash is not None
    rig.sandbox.library.remove("1", image_hash)
    assert (await command(rig, "audit")).code == 0
    assert (await command(rig, "backfill")).code == 0
    rows = await log(rig, image_hash, "--account", "main")
    assert [row["what"] for row in rows] == ["uploaded", "lost", "restored"]
    assert [row["hash"] for row in rows][:2] == [image_hash, image_hash]


async def test_an_image_is_looked_up_after_its_file_and_itself_are_gone(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = rig_without_grace(tmp_path, sandbox)
    path = rig.write("promo/old.jpg", ONE)
    rig.write("b.jpg", TWO)
    async with running(rig) as daemon:
        await until(lambda: bool(rig.recorded(ONE) and rig.recorded(TWO)))
        image_hash = rig.recorded(ONE)
        assert image_hash is not None
        await until(lambda: daemon.count("scan.done") >= 2)
        path.unlink()
        await until(lambda: daemon.logged("image.deleted", "old.jpg"))
        assert await daemon.end() == 0
    expected = ["found", "uploaded", "gone", "condemned", "deleted"]
    for about in (str(path), "old.jpg", "ol*.jpg", image_hash, image_hash[:8],
                  sha256(ONE).hexdigest()):  # fmt: skip
        found = await log(rig, about)
        assert [row["what"] for row in found] == expected, about
        assert {row["file"] for row in found} == {str(path)}, about
    *_, gone, _, deleted = await log(rig, str(path))
    assert gone["why"] == "it was deleted or moved"
    assert (deleted["account"], deleted["hash"]) == ("main", image_hash)


async def await_scans(daemon: Daemon) -> None:
    """Wait for two more scans, the second of which began after this call."""
    before = daemon.count("scan.done")
    await until(lambda: daemon.count("scan.done") >= before + 2)


async def test_a_decision_is_recorded_with_the_user(tmp_path: Path, sandbox: Sandbox) -> None:
    toml = '[deletions]\ngrace = "20s"\nhold_above = { images = 0, share = 0 }\n'
    rig = rig_without_grace(tmp_path, sandbox, toml=toml)
    paths = [rig.write(f"{n}.jpg", picture(n)) for n in range(3)]
    async with running(rig) as daemon:
        await until(lambda: all(rig.recorded(picture(n)) for n in range(3)))
        for path, verb in zip(paths, ("dismiss", "approve"), strict=False):
            await await_scans(daemon)
            path.unlink()
            await until(lambda: rig.rows("SELECT 1 FROM deletion WHERE state = 'held'") != [])
            assert (await command(rig, "deletions", verb, "spring")).code == 0
        assert await daemon.end() == 0
    rows = await log(rig, "--what", "approved,dismissed")
    assert [(row["what"], row["file"], row["user"]) for row in rows] == [
        ("dismissed", str(paths[0]), USER),
        ("approved", str(paths[1]), USER),
    ]


async def test_a_pause_is_recorded_with_its_reason_and_the_user(rig: Rig) -> None:
    rig.write("a.jpg", ONE)
    await command(rig, "backfill")
    await command(rig, "pause", "eu", "--why", "frozen")
    await command(rig, "resume", "eu")
    rows = await log(rig, "--what", "paused,resumed")
    assert [(row["what"], row["account"], row["why"], row["user"]) for row in rows] == [
        ("paused", "eu", "frozen", USER),
        ("resumed", "eu", None, USER),
    ]
    text = (await command(rig, "log", "--what", "paused")).out
    assert text[21:] == f"paused account eu  by {USER}  (frozen)\n"


async def test_the_rows_are_narrowed_by_options(rig: Rig) -> None:
    rig.write("a.jpg", ONE)
    await command(rig, "backfill")
    assert await whats(rig, "--account", "eu") == [("copied", "eu")]
    assert await whats(rig, "--what", "found, copied") == [("found", None), ("copied", "eu")]
    assert await whats(rig, "--since", "1h", "--limit", "2") == [
        ("uploaded", "main"),
        ("copied", "eu"),
    ]
    limited = await command(rig, "log", "--limit", "2")
    assert "the last 2 rows; --limit shows more" in limited.err
    for words, code, message in (
        (("--since", "2999-01-01"), 1, "has nothing that these options select"),
        (("nowhere.jpg",), 1, "has nothing about nowhere.jpg"),
        (("--since", "soon"), 2, "soon is not a time"),
        (("--since", "5y"), 2, "the units are ms, s, m, h, d"),
        (("--what", "lots"), 2, "lots is not one of found, gone,"),
        (("--account", "asia"), 2, "no account asia"),
        (("--follow", "--json"), 2, "leave out --json"),
    ):
        ended = await command(rig, "log", *words)
        assert ended.code == code, words
        assert message in ended.err, words
    assert (await command(rig, "log", "--limit", "0")).code == 2


@asynccontextmanager
async def following(rig: Rig) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "syncd", "log", "--follow", "--config", str(rig.write_config()),
        env=rig.environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_new_rows_are_printed_as_they_arrive_until_ctrl_c(rig: Rig) -> None:
    rig.write("a.jpg", ONE)
    await command(rig, "backfill")
    async with following(rig) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        async with asyncio.timeout(30):
            before = [await process.stdout.readline() for _ in range(3)]
            rig.write("b.jpg", TWO)
            await command(rig, "backfill")
            new = [(await process.stdout.readline()).decode() for _ in range(3)]
            assert b"copied to eu" in before[-1]
            assert [line[21:].partition("  ")[0] for line in new] == [
                "found",
                "uploaded to main",
                "copied to eu",
            ]
            assert all("b.jpg" in line for line in new)
            process.send_signal(signal.SIGINT)
            assert await process.wait() == 130
            assert await process.stderr.read() == b""


async def test_following_ends_when_another_ledger_is_at_its_path(rig: Rig) -> None:
    rig.write("a.jpg", ONE)
    await command(rig, "backfill")
    async with following(rig) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        async with asyncio.timeout(30):
            assert b"found" in await process.stdout.readline()
            os.replace(shutil.copy(rig.ledger, rig.path / "copy.db"), rig.ledger)
            assert await process.wait() == 74
            assert b"was moved, replaced or removed" in await process.stderr.read()


async def test_following_ends_when_a_newer_syncd_migrates_the_ledger(rig: Rig) -> None:
    rig.write("a.jpg", ONE)
    await command(rig, "backfill")
    async with following(rig) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        async with asyncio.timeout(30):
            assert b"found" in await process.stdout.readline()
            with closing(sqlite3.connect(rig.ledger, isolation_level=None)) as db:
                db.execute("PRAGMA user_version = 999")
            assert await process.wait() == 65
            assert b"newer syncd" in await process.stderr.read()


async def test_a_kill_leaves_a_row_for_each_held_image_and_no_other(rig: Rig) -> None:
    rig.mirrors = ()
    for n in range(60):
        rig.write(f"{n}.jpg", picture(n))
    held = "SELECT count(*) FROM replica WHERE hash IS NOT NULL"
    images_of = "SELECT coalesce(sum(length(images) / 4), 0) FROM history WHERE what = '{}'"
    async with running(rig) as daemon:
        await until(lambda: bool(rig.rows(held)) and rig.rows(held)[0][0] > 0)
        await daemon.end(signal.SIGKILL)
    (held_images,), (uploads,) = rig.rows(
        f"SELECT ({held}) UNION ALL {images_of.format('uploaded')}"
    )
    assert held_images == uploads > 0
    (files,), (found,) = rig.rows(
        f"SELECT count(*) FROM file UNION ALL {images_of.format('found')}"
    )
    assert files == found
    assert (await command(rig, "backfill")).code == 0
    assert len(await log(rig, "--what", "uploaded")) == 60


async def test_rows_older_than_the_configured_time_are_removed_by_the_daemon(rig: Rig) -> None:
    rig.toml = '[deletions]\ngrace = "0s"\n'
    rig.write("a.jpg", ONE)
    await command(rig, "backfill")
    found, uploaded, copied = (row for (row,) in rig.rows("SELECT id FROM history ORDER BY id"))
    with changing(rig.ledger) as db:
        for row, days in ((found, 3), (uploaded, 1)):
            db.execute("UPDATE history SET at = at - ? WHERE id = ?", (days * 86400, row))
    config = rig.path / "other.toml"
    text = rig.write_config().read_text()
    config.write_text(text.replace("[ledger]\n", '[ledger]\nhistory = "2d"\n'))
    async with running(rig, "run", "--config", str(config)) as daemon:
        await until(lambda: rig.rows("SELECT id FROM history") == [(uploaded,), (copied,)])
        assert await daemon.end() == 0
    assert await whats(rig) == [("uploaded", "main"), ("copied", "eu")]
    assert {row["file"] for row in await log(rig)} == {str(rig.folder / "a.jpg")}
