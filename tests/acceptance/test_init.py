"""`syncd init` with options: what it writes, checks and refuses, and its next command."""

import os
import stat

import pytest
from support.pictures import picture
from support.process import Ended, syncd
from support.rig import Rig

from syncd.config import SecretFile, load


def words(rig: Rig, *more: str) -> list[str]:
    """Return a complete command line for the rig's folder, sandbox and token."""
    token = rig.path / "given"
    token.write_text(f"{rig.sandbox.token}\n")
    return [
        "init", "--config", str(rig.path / "new/config.toml"), "--account", "main=act_1",
        "--folder", f"spring={rig.folder}:main", "--token-file", str(token),
        "--base-url", rig.sandbox.url, *more,
    ]  # fmt: skip


def written(rig: Rig) -> list[str]:
    directory = rig.path / "new"
    return sorted(os.listdir(directory)) if directory.exists() else []


async def test_init_writes_a_configuration_and_a_token_checks_them_and_shows_the_plan(
    rig: Rig,
) -> None:
    rig.write("1.jpg", picture(1))
    ended = await syncd(rig, *words(rig))
    assert ended.code == 0, ended.out + ended.err
    file, token = rig.path / "new/config.toml", rig.path / "new/token"
    config = load(file, {})
    assert config.graph.token == SecretFile(str(token))
    assert not config.warnings
    assert [stat.S_IMODE(one.stat().st_mode) for one in (file, token)] == [0o644, 0o600]
    assert token.read_text() == f"{rig.sandbox.token}\n"
    assert "#grace = " in file.read_text()
    assert "ok  account main" in ended.out
    assert "would send 1 image" in ended.out
    assert ended.out.endswith(
        f"Next:\n    syncd backfill --config {file}\n    syncd run --config {file}\n"
    )
    assert rig.sandbox.token not in ended.out + ended.err
    again = await syncd(rig, "backfill", "--config", str(file))
    assert again.code == 0, again.err


async def test_files_that_exist_are_kept(rig: Rig) -> None:
    (rig.path / "new").mkdir()
    (rig.path / "new/token").write_text("mine")
    ended = await syncd(rig, *words(rig))
    assert ended.code == 1
    assert f"{rig.path}/new/token exists already, and is kept" in ended.err
    assert (written(rig), (rig.path / "new/token").read_text()) == (["token"], "mine")
    (rig.path / "new/token").unlink()
    (rig.path / "new/config.toml").write_text("mine")
    ended = await syncd(rig, *words(rig))
    assert ended.code == 1
    assert f"{rig.path}/new/config.toml exists already: edit it" in ended.err
    assert written(rig) == ["config.toml"]


async def test_a_token_that_is_already_there_is_used_and_one_from_stdin_is_written(
    rig: Rig,
) -> None:
    without = words(rig)
    at = without.index("--token-file")
    del without[at : at + 2]
    ended = await syncd(rig, *without)
    assert ended.code == 2
    assert written(rig) == []
    ended = await syncd(rig, *without, "--token-file", "-", stdin=rig.sandbox.token.encode())
    assert ended.code == 0, ended.err
    (rig.path / "new/config.toml").unlink()
    ended = await syncd(rig, *without)
    assert ended.code == 0, ended.err


async def refused(rig: Rig, *more: str) -> Ended:
    ended = await syncd(rig, *words(rig, *more))
    assert ended.code in (2, 78), ended.out
    assert written(rig) == []
    return ended


@pytest.mark.parametrize(
    ("more", "reasons"),
    [
        (("--account", "eu"), ("is not an account", "NAME=ID")),
        (("--account", "eu=act_x"), ("--account eu", "is not an account id", "act_1234567890")),
        (("--account", "eu=1"), ("--account eu", "is also the id of")),
        (("--account", "bad name=2"), ('--account "bad name"', "is not a valid name")),
        (("--folder", "x=/srv/x"), ("is not a folder", "NAME=PATH:ACCOUNT")),
        (("--folder", "x=/srv/x:us"), ("--folder x", "us")),
        (("--folder", "x=/missing:main"), ("--folder x: /missing is not a directory",)),
        (("--folder", "x=FOLDER/inner:main"), ("--folder x", "is inside the folder")),
        (("--ledger", "FOLDER/ledger.db"), ("--ledger", "is inside the folder")),
        (("--base-url", "http://example.com"), ("graph.base_url", "unencrypted")),
    ],
)  # fmt: skip
async def test_a_wrong_option_is_named_with_the_right_form_and_nothing_is_written(
    rig: Rig, more: tuple[str, ...], reasons: tuple[str, ...]
) -> None:
    rig.path.joinpath("folder/inner").mkdir()
    ended = await refused(rig, *(word.replace("FOLDER", str(rig.folder)) for word in more))
    for reason in reasons:
        assert reason in " ".join(ended.err.replace("│", " ").split())


async def test_a_path_that_is_not_utf_8_is_refused(rig: Rig) -> None:
    directory = os.fsdecode(os.fsencode(rig.folder) + b"/\xff")
    os.mkdir(directory)
    ended = await refused(rig, "--folder", f"x={directory}:main")
    assert "a path is not UTF-8" in ended.err


async def test_a_token_file_without_a_token_is_refused(rig: Rig) -> None:
    given = rig.path / "no-token"
    given.write_text("two words")
    ended = await refused(rig, "--token-file", str(given))
    assert "contains a character that no token has" in " ".join(ended.err.replace("│", " ").split())
    assert "two words" not in ended.err


async def test_a_failed_check_is_the_result_and_the_files_remain(rig: Rig) -> None:
    (rig.path / "given-2").write_text("another-token")
    ended = await syncd(rig, *words(rig, "--token-file", str(rig.path / "given-2")))
    assert ended.code == 1
    assert "BAD token of main" in ended.out
    assert "Correct what is not ok, then:\n    syncd check --config" in ended.out
    assert written(rig) == ["config.toml", "token"]


async def test_a_relative_path_is_written_as_an_absolute_one(rig: Rig) -> None:
    relative = "../" * 20 + str(rig.folder).lstrip("/")
    given = words(rig)
    given[given.index(f"spring={rig.folder}:main")] = f"spring={relative}:main"
    assert (await syncd(rig, *given)).code == 0
    (folder,) = load(rig.path / "new/config.toml", {}).folders.values()
    assert os.fsdecode(folder.path) == str(rig.folder)


async def test_init_for_a_sandbox_is_ready_to_run(rig: Rig) -> None:
    file = rig.path / "new/config.toml"
    line = ["init", "--sandbox", "--base-url", rig.sandbox.url, "--config", str(file)]
    ended = await syncd(rig, *line)
    assert ended.code == 0, ended.out + ended.err
    (rig.path / "new/pictures/1.jpg").write_bytes(picture(1))
    assert (await syncd(rig, "backfill", "--config", str(file))).code == 0
    assert rig.sandbox.counts.images() == 1


async def test_a_refused_init_for_a_sandbox_leaves_nothing(rig: Rig) -> None:
    file = rig.path / "new/config.toml"
    ended = await syncd(rig, "init", "--sandbox", "--account", "main=x", "--config", str(file))
    assert ended.code == 78
    assert not (rig.path / "new").exists()


async def test_init_for_a_sandbox_that_does_not_run_names_the_command_that_starts_it(
    rig: Rig,
) -> None:
    file = rig.path / "new/config.toml"
    ended = await syncd(rig, "init", "--sandbox", "--base-url", "http://127.0.0.1:1",
                        "--config", str(file))  # fmt: skip
    assert ended.code == 0
    assert "Next:\n    syncd sandbox    # in another terminal\n" in ended.out
    assert f"\n    syncd check --config {file}\n" in ended.out
