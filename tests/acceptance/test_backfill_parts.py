"""`syncd backfill` of some accounts or folders, or of a number of images, and its summary."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.pictures import picture
from support.process import Ended, syncd
from support.rig import Rig

from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox


@pytest.fixture
def rig(tmp_path: Path, sandbox: Sandbox) -> Rig:
    """Two folders: spring feeds main and its mirror eu by copies, autumn feeds main alone."""
    (tmp_path / "autumn").mkdir()
    rig = Rig(
        tmp_path,
        sandbox,
        accounts={"main": "1", "eu": "2"},
        mirrors=("eu",),
        per_folder='copy = "copy"',
        toml=f'[folders.autumn]\npath = "{tmp_path}/autumn"\naccount = "main"\n',
    )
    for number in range(3):
        rig.write(f"{number}.jpg", picture(number))
    for number in range(10, 12):
        write_autumn(rig, number)
    return rig


def write_autumn(rig: Rig, number: int) -> None:
    (rig.path / "autumn" / f"{number}.jpg").write_bytes(picture(number))


async def backfill(rig: Rig, *words: str) -> Ended:
    return await syncd(rig, "backfill", *words, "--config", str(rig.write_config()))


async def summary(rig: Rig, *words: str) -> Any:
    ended = await backfill(rig, *words, "--json")
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


async def test_a_backfill_of_one_folder_sends_its_images_and_no_other(rig: Rig) -> None:
    await summary(rig, "--limit", "1")  # the ledger knows what is missing in both folders
    before = wanted(rig)
    write_autumn(rig, 12)
    ended = await backfill(rig, "--folder", "autumn")
    assert ended.code == 0, ended.err
    assert "main: 3 of 3 images held" in ended.out
    assert all(rig.holds(picture(number)) for number in (10, 11, 12))
    assert sum(rig.holds(picture(number)) for number in range(3)) <= 1
    assert not rig.sandbox.library.images("2")
    assert before <= wanted(rig)
    assert (await summary(rig))["sync"] == "in_sync"
    assert all(rig.holds(picture(number), "2") for number in range(3))


def wanted(rig: Rig) -> set[Any]:
    """Return which image each account is to hold."""
    return set(rig.rows("SELECT account_id, image_id FROM replica WHERE wanted = 1"))


async def test_a_backfill_of_a_mirror_copies_what_the_own_account_holds(rig: Rig) -> None:
    shown = await summary(rig, "--account", "main")
    assert shown["accounts"].keys() == {"main"}
    assert not rig.sandbox.library.images("2")
    calls = rig.sandbox.counts.calls("1")
    eu = (await summary(rig, "--account", "eu"))["accounts"]["eu"]
    assert (eu["copied"], eu["uploaded"], eu["held"], eu["missing"]) == (3, 0, 3, 0)
    assert rig.sandbox.counts.calls("1") == calls


async def test_a_backfill_of_a_mirror_alone_does_not_wait_for_the_own_account(rig: Rig) -> None:
    eu = (await summary(rig, "--account", "eu"))["accounts"]["eu"]
    assert (eu["copied"], eu["uploaded"], eu["held"]) == (0, 3, 3)
    assert not rig.sandbox.library.images("1")


@pytest.mark.parametrize("limit", [1, 4])
async def test_a_limit_is_for_all_accounts_together_and_the_rest_stays_missing(
    rig: Rig, limit: int
) -> None:
    sent = 0
    while sent + limit < 8:
        shown = await summary(rig, "--limit", str(limit))
        accounts = shown["accounts"].values()
        assert sum(one["uploaded"] + one["copied"] for one in accounts) == limit
        assert shown["sync"] == "in_sync"
        sent += limit
        assert sum(one["left_out"] for one in accounts) == 8 - sent
        assert sent == sum(len(rig.sandbox.library.images(account)) for account in "12")
    ended = await backfill(rig, "--limit", "100")
    assert ended.code == 0
    assert "In sync after" in ended.out


async def test_a_limited_backfill_prints_what_is_left_and_how_to_send_it(rig: Rig) -> None:
    ended = await backfill(rig, "--limit", "2", "--account", "main")
    assert ended.code == 0, ended.err
    assert "main: 2 of 5 images held (2 uploaded, 0 already held)" in ended.out
    assert "not part of this run: 3 missing images" in ended.out
    assert "run it again without the limits to send the rest" in ended.out


async def test_a_limited_backfill_whose_image_is_rejected_exits_with_3(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("1487411", on="upload"))
    ended = await backfill(rig, "--limit", "1", "--account", "main")
    assert ended.code == 3, ended.err + ended.out
    assert "rejected: 1 image: " in ended.out


async def test_a_limited_backfill_ends_when_its_image_is_given_up(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("2", on="upload", times=6))
    ended = await backfill(rig, "--limit", "1", "--account", "main", "--json")
    assert ended.code == 1, ended.err
    assert "event=image.given_up" in ended.err
    main = json.loads(ended.out)["accounts"]["main"]
    assert (main["uploaded"], main["missing"], main["left_out"]) == (0, 1, 4)
    assert list(main["troubles"].values()) == [1]


async def test_a_limited_backfill_of_a_stopped_account_exits_with_69(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("190", on="upload"))
    ended = await backfill(rig, "--limit", "1", "--account", "main")
    assert ended.code == 69, ended.err
    assert "missing: main stopped" in ended.out


async def test_the_summary_has_each_reason_for_which_files_are_not_sent(rig: Rig) -> None:
    rig.write("text.jpg", b"not a picture")
    rig.write("empty.jpg", b"")
    rig.write("photo.webp", b"webp")
    ended = await backfill(rig)
    assert ended.code == 1, ended.err
    assert "main: 5 of 6 images held (5 uploaded, 0 already held), 1 rejected" in ended.out
    assert "  rejected: 1 image: " in ended.out
    assert "folder spring: skipped 1 .webp" in ended.out
    assert "folder spring: 1 file not finished: the file is empty" in ended.out
    assert "event=backfill.done account=main" in ended.err
    assert "eu: 3 of 4 images held (0 uploaded, 3 copied, 0 already held), 1 rejected" in ended.out
