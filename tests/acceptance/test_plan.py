"""`syncd plan`: each file with what would become of it, of all folders and accounts or of some."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from support.pictures import picture
from support.process import Ended, running, syncd
from support.rig import Rig, until

from syncd.sandbox.server import Sandbox


@pytest.fixture
def rig(tmp_path: Path, sandbox: Sandbox) -> Rig:
    """Two folders: spring feeds main and its mirror eu by copies, autumn feeds main alone."""
    autumn = tmp_path / "autumn"
    autumn.mkdir()
    (autumn / "z.jpg").write_bytes(picture(50))
    return Rig(
        tmp_path,
        sandbox,
        accounts={"main": "1", "eu": "2"},
        mirrors=("eu",),
        per_folder='copy = "copy"\ndeletions = "propagate"',
        toml=f'[folders.autumn]\npath = "{autumn}"\naccount = "main"\n[deletions]\ngrace = "1h"\n',
    )


async def plan(rig: Rig, *words: str) -> Ended:
    ended = await syncd(rig, "plan", *words, "--config", str(rig.write_config()))
    assert ended.code == 0, ended.err
    return ended


def fill(rig: Rig) -> None:
    """Write an image twice, and a file of each kind that is not sent."""
    rig.write("a/one.jpg", picture(1))
    rig.write("a/two.jpg", picture(1))
    rig.write("text.jpg", b"not a picture")
    rig.write("empty.jpg", b"")
    rig.write("photo.webp", b"webp")
    rig.write(".hidden/x.jpg", picture(3))


def lines(ended: Ended, rig: Rig) -> set[str]:
    """Return the lines of files, with paths relative to the directory of the test."""
    shown = ended.out.replace(f"{rig.path}/", "").splitlines()
    return {line for line in shown if line[:2] in {"+ ", "= ", "! ", "- ", "x "}}


async def test_each_file_has_a_line_with_what_would_become_of_it(rig: Rig) -> None:
    fill(rig)
    shown = lines(await plan(rig, "--files"), rig)
    assert {line for line in shown if line.startswith("+ ")} == {
        "+ main folder/a/one.jpg",
        "+ main autumn/z.jpg",
    }
    assert {line for line in shown if line.startswith("= ")} == {"= eu folder/a/one.jpg"}
    rejected = {line.partition(": ")[0] for line in shown if line.startswith("! ")}
    assert rejected == {
        f"! {account} folder/{name}.jpg" for account in ("main", "eu") for name in ("text", "empty")
    }
    assert {line for line in shown if line.startswith("- ")} == {
        "- main,eu folder/photo.webp: .webp",
        "- main,eu folder/.hidden: hidden or junk",
    }


async def test_a_plan_of_one_account_or_folder_shows_nothing_of_the_others(rig: Rig) -> None:
    fill(rig)
    of_account = await plan(rig, "--files", "--account", "eu")
    assert "main" not in "".join(lines(of_account, rig))
    assert "autumn" not in of_account.out
    of_folder = await plan(rig, "--files", "--folder", "autumn")
    assert lines(of_folder, rig) == {"+ main autumn/z.jpg"}
    assert "account main: 1 wanted, 0 held" in of_folder.out
    assert "spring" not in of_folder.out
    assert "eu" not in of_folder.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--account", "us"), "no account us in the configuration; it has: main, eu"),
        (("--folder", "winter"), "no folder winter in the configuration; it has: spring, autumn"),
        (
            ("--folder", "autumn", "--account", "eu"),
            "the folder autumn does not feed the account eu",
        ),
    ],
)
async def test_a_part_that_does_not_exist_is_an_error(
    rig: Rig, words: tuple[str, ...], message: str
) -> None:
    ended = await syncd(rig, "plan", *words, "--config", str(rig.write_config()))
    assert ended.code == 2
    assert message in ended.err


async def test_a_plan_shows_the_images_that_a_daemon_is_to_delete(rig: Rig) -> None:
    file = rig.write("a.jpg", picture(1))
    async with running(rig):
        await until(lambda: rig.recorded(picture(1), "2") is not None)
        file.unlink()
        await until(lambda: rig.rows("SELECT count(*) FROM deletion") == [(2,)])
        assert lines(await plan(rig, "--files", "--folder", "spring"), rig) == {
            "x main folder/a.jpg: waiting",
            "x eu folder/a.jpg: waiting",
        }


async def test_a_plan_changes_no_byte_of_the_ledger(rig: Rig) -> None:
    fill(rig)
    await syncd(rig, "backfill", "--config", str(rig.write_config()))
    before = sha256(rig.ledger.read_bytes()).digest()
    rig.write("new.jpg", picture(9))
    assert "+ main folder/new.jpg" in lines(await plan(rig, "--files"), rig)
    assert sha256(rig.ledger.read_bytes()).digest() == before


async def test_an_empty_file_is_planned_as_a_new_ledger(rig: Rig) -> None:
    rig.write("a.jpg", picture(1))
    rig.ledger.touch()
    ended = await plan(rig)
    assert ended.code == 0, ended
    assert "would send 1 image" in ended.out
    assert rig.ledger.stat().st_size == 0


async def test_the_json_of_a_plan_is_one_value_with_whole_paths(rig: Rig) -> None:
    fill(rig)
    shown = json.loads((await plan(rig, "--files", "--json")).out)
    one = [file for file in shown["files"] if file["file"].endswith(("one.jpg", "two.jpg"))]
    assert sorted((file["action"], file["accounts"]) for file in one) == [
        ("copy", ["eu"]),
        ("upload", ["main"]),
    ]
    assert one[0]["file"] == str(rig.folder / "a/one.jpg")
    assert shown["accounts"]["main"]["missing"] == 2
    assert shown["folders"]["spring"]["skipped"] == {".webp": 1, "hidden": 1}
    without = json.loads((await plan(rig, "--json")).out)
    assert without == {
        "accounts": shown["accounts"],
        "changed": [],
        "folders": shown["folders"],
    }


async def test_a_duration_is_at_most_that_long_until_the_tier_is_known(rig: Rig) -> None:
    rig.per_account = ""
    rig.write("a.jpg", picture(1))
    assert "main: 2 images, 1 call, at most 1 s" in (await plan(rig)).out
    await syncd(rig, "backfill", "--config", str(rig.write_config()))
    rig.write("b.jpg", picture(2))
    assert "main: 1 image, 1 call, about 1 s" in (await plan(rig)).out


async def test_a_plan_needs_no_token(rig: Rig) -> None:
    config = rig.write_config()
    config.write_text(config.read_text().replace("SYNCD_TEST_TOKEN", "SYNCD_NO_SUCH_TOKEN"))
    ended = await syncd(rig, "plan", "--files", "--config", str(config))
    assert ended.code == 0, ended.err
    assert "+ main" in ended.out
