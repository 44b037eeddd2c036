"""`syncd status --files` lists paths with reasons, from the ledger or the folders."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from support.pictures import picture
from support.process import Ended, syncd
from support.rig import Rig

from syncd.sandbox.faults import Fault

TWO_FOLDERS = '[folders.autumn]\npath = "{}"\naccount = "eu"\n'


@pytest.fixture
def two(rig: Rig, tmp_path: Path) -> Rig:
    """Two folders, with an account each: spring feeds main, autumn feeds eu."""
    (tmp_path / "autumn").mkdir()
    accounts = {"main": "1", "eu": "2"}
    return Rig(
        tmp_path, rig.sandbox, accounts=accounts, toml=TWO_FOLDERS.format(tmp_path / "autumn")
    )


async def status(rig: Rig, *words: str) -> Ended:
    return await syncd(rig, "status", *words, "--config", str(rig.write_config()))


async def listed(rig: Rig, *words: str) -> list[str]:
    ended = await status(rig, "--files", *words)
    assert (ended.code, ended.err) == (0, "")
    return ended.out.splitlines()


async def listed_json(rig: Rig, *words: str) -> list[dict[str, Any]]:
    ended = await status(rig, "--json", "--files", *words)
    assert (ended.code, ended.err) == (0, "")
    found = json.loads(ended.out)
    assert isinstance(found, list)
    return found


async def backfilled(rig: Rig) -> None:
    await syncd(rig, "backfill", "--config", str(rig.write_config()))


async def test_missing_files_are_listed_by_account_with_the_last_error(two: Rig) -> None:
    two.sandbox.faults.add(Fault("190", on="upload"))
    two.write("a/1.jpg", picture(1))
    other = two.path / "autumn" / "2.jpg"
    other.write_bytes(picture(2))
    await backfilled(two)
    both = await listed(two, "missing")
    assert [line.split(": ")[:2] for line in both] == [
        ["main", str(two.folder / "a/1.jpg")],
        ["eu", str(other)],
    ]
    assert [line["file"] for line in await listed_json(two, "missing")] == [
        str(two.folder / "a/1.jpg"),
        str(other),
    ]
    assert await listed(two, "missing", "--account", "eu") == both[1:]
    assert await listed(two, "missing", "--folder", "spring") == both[:1]
    wrong = await status(two, "--files", "missing", "--account", "eu", "--folder", "spring")
    assert "spring does not feed the account eu" in wrong.err


async def test_rejected_files_are_listed_with_the_reason_of_the_account(two: Rig) -> None:
    bad = two.write("bad.png", b"not a picture")
    two.write("good.png", picture(1))
    await backfilled(two)
    (line,) = await listed_json(two, "rejected")
    assert (line["file"], line["account"], line["folder"]) == (str(bad), "main", "spring")
    assert line["why"]
    assert await listed(two, "rejected") == [f"main: {bad}: {line['why']}"]


async def test_unread_files_are_listed_with_the_reason(two: Rig) -> None:
    empty = two.write("empty.jpg", b"")
    await backfilled(two)
    (line,) = await listed(two, "unreadable")
    assert line.startswith(f"{empty}: not finished: ")
    assert await listed(two, "unreadable", "--account", "eu") == []
    assert await listed(two, "unreadable", "--account", "main") == [line]


async def test_the_list_of_skipped_files_has_what_a_scan_counts(two: Rig) -> None:
    two.per_folder = 'exclude = ["old/"]'
    for name in ("a.webp", ".hidden.jpg", "deep/b.txt", "deep/no", "old/x.jpg", "odd.jpg "):
        two.write(name, picture(1))
    (two.folder / "link.jpg").symlink_to("/etc/hostname")
    (two.folder / "to-directory").symlink_to(two.folder / "deep")
    os.mkfifo(two.folder / "pipe")
    two.write("taken.jpg", picture(1))
    await backfilled(two)
    found = {line["file"]: line["why"] for line in await listed_json(two, "skipped")}
    assert found == {
        str(two.folder / name): reason
        for name, reason in {
            "a.webp": ".webp",
            ".hidden.jpg": "hidden or junk",
            "deep/b.txt": ".txt",
            "deep/no": "no extension",
            "old": "excluded",
            "odd.jpg ": "blank, dot or control character at the end of the name",
            "link.jpg": "link out of the folder or to a directory",
            "to-directory": "link out of the folder or to a directory",
        }.items()
    }
    report = json.loads((await status(two, "--json")).out)["folders"]["spring"]
    assert sum(count["count"] for count in report["skipped"]) == len(found)


async def test_without_such_files_nothing_is_printed_and_json_is_an_empty_array(two: Rig) -> None:
    two.write("a.jpg", picture(1))
    await backfilled(two)
    for kind in ("missing", "rejected", "skipped", "unreadable"):
        assert await listed(two, kind) == []
        assert await listed_json(two, kind) == []


async def test_a_name_that_is_not_configured_ends_with_the_names_that_are(two: Rig) -> None:
    two.write_config()
    wrong = await status(two, "--account", "mian")
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.err == (
        "syncd: no account mian in the configuration; it has: main, eu; did you mean main?\n"
    )
    wrong = await status(two, "--folder", "winter")
    assert "no folder winter in the configuration; it has: spring, autumn" in wrong.err


async def test_only_the_named_accounts_and_folders_are_shown_with_their_alerts(two: Rig) -> None:
    two.sandbox.faults.add(Fault("190", on="upload"))
    two.write("a.jpg", picture(1))
    await backfilled(two)
    found = json.loads((await status(two, "--json", "--account", "eu")).out)
    assert (list(found["accounts"]), list(found["folders"])) == (["eu"], ["autumn"])
    (alert,) = found["needs_you"]  # the token stops both accounts
    assert alert["accounts"] == ["main", "eu"]
    found = json.loads((await status(two, "--json", "--folder", "autumn")).out)
    assert (list(found["accounts"]), list(found["folders"])) == (["eu"], ["autumn"])
