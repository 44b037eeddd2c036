"""`syncd find` reports something for every image, in every state, by every way to name it."""

import json
import signal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support.pictures import picture
from support.process import Ended, running, syncd
from support.rig import Rig, until

from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox

CONTENT = picture(1)
DIGEST = sha256(CONTENT).hexdigest()


@pytest.fixture
def rig(tmp_path: Path, sandbox: Sandbox) -> Rig:
    return Rig(tmp_path, sandbox, accounts={"main": "1", "eu": "2"}, mirrors=("eu",))


async def find(rig: Rig, what: str, *words: str) -> Ended:
    return await syncd(rig, "find", what, *words, "--config", str(rig.write_config()))


async def found(rig: Rig, what: str) -> list[dict[str, Any]]:
    images = json.loads((await find(rig, what, "--json")).out)
    assert isinstance(images, list)
    return images


async def backfill(rig: Rig) -> Ended:
    return await syncd(rig, "backfill", "--config", str(rig.write_config()))


async def test_an_image_is_found_by_every_name_that_it_has(rig: Rig, tmp_path: Path) -> None:
    path = rig.write("promo/Spring sale [1].jpg", CONTENT)
    rig.write("other.jpg", picture(2))
    copy = tmp_path / "elsewhere.jpg"
    copy.write_bytes(CONTENT)
    await backfill(rig)
    image_hash = rig.recorded(CONTENT, "1")
    assert image_hash is not None
    for what in (
        str(path), path.name, "Spring*", "sale", DIGEST, DIGEST[:6], DIGEST[:9].upper(),
        image_hash, image_hash[:6], str(copy),
    ):  # fmt: skip
        ended = await find(rig, what)
        assert ended.code == 0, (what, ended)
        assert str(path) in ended.out, what
        assert f"main: held as {image_hash} since " in ended.out, what
        assert "eu: held as " in ended.out, what
        assert "other.jpg" not in ended.out, what


async def test_all_files_of_an_image_are_listed_once(rig: Rig) -> None:
    paths = [rig.write(name, CONTENT) for name in ("a.jpg", "sub/b.jpg")]
    await backfill(rig)
    (image,) = await found(rig, "a.jpg")
    assert [file["file"] for file in image["files"]] == [str(path) for path in paths]
    assert set(image["accounts"]) == {"main", "eu"}
    assert image["uploaded"] is True


async def test_a_deleted_file_is_found_with_the_reason_why_the_account_holds_its_image(
    rig: Rig,
) -> None:
    path = rig.write("sub/a.jpg", CONTENT)
    rig.write("b.jpg", picture(2))
    await backfill(rig)
    path.unlink()
    await backfill(rig)
    for what in (str(path), "a.jpg", DIGEST[:8]):
        ended = await find(rig, what)
        assert ended.code == 0, what
        assert str(path) in ended.out
        assert "this file is gone" in ended.out
        assert "kept: its file left a folder that keeps its images" in ended.out
    (image,) = await found(rig, "a.jpg")
    assert image["files"] == [
        {"file": str(path), "folder": "spring", "deleted": True, "why": "this file is gone"}
    ]
    assert image["accounts"]["main"]["kept"] == "keep"


async def test_the_export_has_images_without_a_file_if_it_is_to_have_all(rig: Rig) -> None:
    path = rig.write("sub/a.jpg", CONTENT)
    other = rig.write("b.jpg", picture(2))
    await backfill(rig)
    path.unlink()
    await backfill(rig)

    async def exported(*words: str) -> list[dict[str, Any]]:
        config = str(rig.write_config())
        ended = await syncd(rig, "export", "--format", "json", *words, "--config", config)
        return [dict(line) for line in json.loads(ended.out)]

    files = {(str(other), "main", "held"), (str(other), "eu", "held")}
    shown = {(line["file"], line["account"], line["state"]) for line in await exported()}
    assert shown == files
    lines = await exported("--all")
    shown = {(line["file"], line["account"], line["state"]) for line in lines}
    assert shown == files | {(str(path), "main", "kept"), (str(path), "eu", "kept")}
    (kept,) = [line for line in lines if (line["account"], line["state"]) == ("main", "kept")]
    assert kept["hash"] == rig.recorded(CONTENT, "1")
    assert (kept["sha256"], kept["why"]) == (DIGEST, "keep")
    assert [line["account"] for line in await exported("--all", "--account", "eu")] == ["eu", "eu"]


async def test_a_condemned_image_is_found_with_the_state_of_its_deletion(rig: Rig) -> None:
    rig.per_folder, rig.toml = 'deletions = "propagate"', '[deletions]\ngrace = "1h"'
    path = rig.write("a.jpg", CONTENT)
    rig.write("b.jpg", picture(2))
    async with running(rig) as daemon:
        await until(lambda: all(rig.recorded(CONTENT, account) for account in "12"))
        await until(lambda: daemon.logged("scan.done"))
        path.unlink()
        await until(lambda: rig.rows("SELECT 1 FROM deletion") != [])
        ended = await find(rig, "a.jpg")
        assert ended.code == 0
        assert "its deletion waits for the end of the grace period" in ended.out


async def test_a_file_that_the_ledger_does_not_have_is_found_by_its_name(rig: Rig) -> None:
    await backfill(rig)
    skipped = rig.write("sub/promo.webp", b"RIFF")
    new = rig.write("sub/new [1].jpg", CONTENT)
    for what, path, why in (
        ("promo.webp", skipped, "skipped (.webp)"),
        ("*.webp", skipped, "skipped (.webp)"),
        ("new [1].jpg", new, "not scanned yet"),
        ("new*", new, "not scanned yet"),
    ):
        ended = await find(rig, what)
        assert ended.code == 3, what
        assert f"{path} is not in the ledger: {why}" in ended.err


async def test_a_missing_image_is_found_with_the_reason(rig: Rig) -> None:
    rig.write("a.jpg", CONTENT)
    rig.sandbox.faults.add(Fault("80004", on="upload", seconds=3600))
    async with running(rig) as daemon:
        await until(lambda: daemon.logged("account.paused"))
        ended = await find(rig, "a.jpg")
        assert ended.code == 3
        assert "main: missing since " in ended.out
        assert "the account is paused until " in ended.out
        await daemon.end(signal.SIGKILL)
    await syncd(rig, "retry", "main", "--config", str(rig.write_config()))


async def test_a_missing_image_waits_because_syncd_is_not_running(rig: Rig) -> None:
    rig.write("a.jpg", CONTENT)
    rig.sandbox.faults.add(Fault("hang", on="upload"))
    async with running(rig) as daemon:
        await until(lambda: rig.rows("SELECT 1 FROM image") != [])
        await daemon.end(signal.SIGKILL)
    ended = await find(rig, "a.jpg")
    assert ended.code == 3
    assert "syncd is not running" in ended.out
    later = rig.write("later.jpg", picture(3))
    ended = await find(rig, str(later))
    assert ended.code == 3
    assert "not scanned yet" in ended.err
    assert "syncd is not running" in ended.err


async def test_a_rejected_and_an_unfinished_file_are_found_with_their_reasons(rig: Rig) -> None:
    rig.write("text.jpg", b"only words")
    rig.write("empty.jpg", b"")
    await backfill(rig)
    ended = await find(rig, "text.jpg")
    assert ended.code == 3
    assert "rejected  " in ended.out
    ended = await find(rig, "empty.jpg")
    assert ended.code == 3
    assert "trouble   not finished: " in ended.out
    assert (await found(rig, "empty.jpg"))[0]["sha256"] is None


@pytest.mark.parametrize("what", ["never.jpg", "fffffe", "/nowhere/a.jpg", "*.tiff"])
async def test_a_name_that_nothing_has_exits_with_1(rig: Rig, what: str) -> None:
    rig.write("a.jpg", CONTENT)
    await backfill(rig)
    ended = await find(rig, what)
    assert ended.code == 1
    assert what in ended.err
    assert (await find(rig, what, "--json")).out == "[]\n"


async def test_a_name_that_is_not_utf_8_is_found(rig: Rig) -> None:
    path = rig.write(b"caf\xe9.jpg", CONTENT)
    await backfill(rig)
    for what in (str(path), "caf", path.name):
        ended = await find(rig, what)
        assert ended.code == 0, what
        assert "caf\\xe9.jpg" in ended.out


async def test_only_the_first_images_of_a_wide_pattern_are_shown(rig: Rig) -> None:
    for number in range(60):
        rig.write(f"{number:02}.jpg", picture(number))
    await backfill(rig)
    ended = await find(rig, "*.jpg")
    assert ended.out.count("sha256 ") == 50
    assert "these are the first 50" in ended.out
    assert len(await found(rig, "*.jpg")) == 50
