"""Files that syncd skips are counted by reason, and `find` explains each of them."""

import json
import os
import re
from pathlib import Path

import pytest
from support.pictures import picture
from support.process import Ended, syncd
from support.rig import Rig

SKIPPED = {"link": 3, ".webp": 2, "excluded": 2, "hidden": 2, "odd_name": 1, "no_extension": 1}


@pytest.fixture
def scene(rig: Rig, tmp_path: Path) -> Rig:
    """Return a rig with a file of every kind."""
    rig.per_folder = 'exclude = ["drafts/", "*_old.jpg"]'
    outside = tmp_path / "outside.jpg"
    outside.write_bytes(picture(9))
    rig.write("good.jpg", picture(1))
    for name in ("a.webp", "sub/b.WEBP", "readme", "x.png ", "a_old.jpg", "drafts/c.jpg"):
        rig.write(name, picture(2))
    for name in (".hidden.jpg", "photo.part.jpg"):
        rig.write(name, picture(3))
    (rig.folder / "out.jpg").symlink_to(outside)
    (rig.folder / "directory").symlink_to(tmp_path)
    (rig.folder / "dangling.jpg").symlink_to("nothing")
    os.mkfifo(rig.folder / "pipe.webp")
    return rig


async def command(rig: Rig, *words: str) -> Ended:
    return await syncd(rig, *words, "--config", str(rig.write_config()))


async def test_skipped_files_are_counted_in_log_status_plan_and_check(scene: Rig) -> None:
    ended = await command(scene, "backfill")
    assert ended.code == 0, ended.err
    for event in ("event=scan.done", "event=stats.folder"):
        *_, line = [line for line in ended.err.splitlines() if event in line]
        logged = re.search(r'skipped="?(\{.*?\})', line.replace('\\"', '"'))
        assert logged is not None, line
        assert json.loads(logged[1]) == SKIPPED
    assert dict(scene.rows("SELECT reason, files FROM skipped")) == SKIPPED
    shown = json.loads((await command(scene, "status", "--json")).out)
    counts = shown["folders"]["spring"]["skipped"]
    assert {count["why"]: count["count"] for count in counts} == SKIPPED
    words = ("2 .webp", "2 excluded", "2 hidden or junk", "1 no extension", "3 link out of")
    for name in ("status", "plan", "check"):
        text = " ".join((await command(scene, name)).out.split())
        assert all(word in text for word in words), (name, text)


async def test_the_counts_are_those_of_the_last_whole_scan(scene: Rig) -> None:
    await command(scene, "backfill")
    (scene.folder / "a.webp").unlink()
    (scene.folder / "sub/b.WEBP").unlink()
    await command(scene, "backfill")
    left = {reason: files for reason, files in SKIPPED.items() if reason != ".webp"}
    assert dict(scene.rows("SELECT reason, files FROM skipped")) == left


async def test_find_explains_every_path(scene: Rig, tmp_path: Path) -> None:
    await command(scene, "backfill")
    new = scene.write("new.jpg", picture(4))
    expected = {
        "a.webp": "skipped (.webp)",
        "readme": "skipped (no extension)",
        "x.png ": "skipped (blank, dot or control character at the end of the name)",
        "a_old.jpg": "skipped (excluded)",
        "drafts/c.jpg": "skipped (excluded)",
        ".hidden.jpg": "skipped (hidden or junk)",
        "out.jpg": "skipped (link out of the folder or to a directory)",
        "dangling.jpg": "skipped (link out of the folder or to a directory)",
        "sub": "it is a directory; name a file",
        "new.jpg": "not scanned yet",
    }
    for name, why in expected.items():
        ended = await command(scene, "find", str(scene.folder / name))
        assert ended.code == 3, name
        assert why in ended.err, name
        ended = await command(scene, "find", "--json", str(scene.folder / name))
        ((file,),) = (image["files"] for image in json.loads(ended.out))
        assert file["file"] == str(scene.folder / name)
        assert why in file["why"]
    ended = await command(scene, "find", str(tmp_path / "outside.jpg"))
    assert "is outside every folder of the configuration" in ended.err
    ended = await command(scene, "find", str(scene.folder / "never.jpg"))
    assert "no file has that path" in ended.err
    scene.settle = "1h"
    ended = await command(scene, "find", str(new))
    assert "still changing; it is read once it has not changed for 3600 s" in ended.err
