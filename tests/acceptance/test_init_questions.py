"""`syncd init` on a terminal: its questions, wrong replies, many accounts, and its interruption."""

import os
import stat

import pytest
from support.process import syncd
from support.rig import Rig
from support.terminal import Terminal, terminal

from syncd.config import load
from syncd.sandbox.values import AccountId

pytestmark = pytest.mark.timeout(120)


def words(rig: Rig, *more: str) -> list[str]:
    file = str(rig.path / "new/config.toml")
    return ["init", "--config", file, "--base-url", rig.sandbox.url, *more]


def open_accounts(rig: Rig, *numbers: int) -> None:
    for number in numbers:
        rig.sandbox.library.open(AccountId(str(number)))


async def accept_token(rig: Rig, shown: Terminal) -> None:
    await shown.reply("Access token (not shown): ", rig.sandbox.token)


async def test_the_replies_become_a_configuration_that_is_checked_and_planned(rig: Rig) -> None:
    open_accounts(rig, 11, 12, 13)
    more = rig.path / "More pictures"
    more.mkdir()
    async with terminal(rig, *words(rig)) as shown:
        await accept_token(rig, shown)
        await shown.reply("to search for): ", "1,3")
        await shown.reply("Name for act_11 [sandbox-account-11]: ", "main")
        await shown.reply("Name for act_13 [sandbox-account-13]: ", "")
        await shown.reply("Folder with images: ", str(rig.folder))
        await shown.reply("Name for it [folder]: ", "spring")
        await shown.reply("Account for its images [main]: ", "")
        await shown.reply("Mirrors, with commas between them", "sandbox-account-13")
        await shown.reply("Another folder, or Enter to finish: ", str(more))
        await shown.reply("Name for it [more-pictures]: ", "")
        await shown.reply("Account for its images [main]: ", "sandbox-account-13")
        await shown.reply("Mirrors, with commas between them", "")
        await shown.reply("Another folder, or Enter to finish: ", "")
        assert await shown.end() == 0, shown.text
    config = load(rig.path / "new/config.toml", {})
    assert {name: one.id for name, one in config.accounts.items()} == {
        "main": "11",
        "sandbox-account-13": "13",
    }
    assert {
        name: (os.fsdecode(one.path), one.account, tuple(one.mirrors))
        for name, one in config.folders.items()
    } == {
        "spring": (str(rig.folder), "main", ("sandbox-account-13",)),
        "more-pictures": (str(more), "sandbox-account-13", ()),
    }
    token = rig.path / "new/token"
    assert (stat.S_IMODE(token.stat().st_mode), token.read_text()) == (
        0o600,
        f"{rig.sandbox.token}\n",
    )
    assert "ok  account main" in shown.text
    assert "would send nothing" in shown.text
    assert rig.sandbox.token not in shown.text


async def test_a_wrong_token_is_asked_for_three_times_with_the_reason(rig: Rig) -> None:
    open_accounts(rig, 11)
    async with terminal(rig, *words(rig)) as shown:
        await shown.reply("Access token (not shown): ", "wrong-token-1")
        await shown.question("190")
        await shown.reply("Access token (not shown): ", "two words")
        await shown.question("contains a character that no token has")
        await shown.reply("Access token (not shown): ", "wrong-token-3")
        assert await shown.end() == 1
    assert "nothing was written" in shown.text
    assert "wrong-token" not in shown.text
    assert not (rig.path / "new").exists()


async def test_wrong_replies_are_asked_again_with_the_reason(rig: Rig) -> None:
    open_accounts(rig, 11, 12)
    inner = rig.folder / "inner"
    inner.mkdir()
    async with terminal(rig, *words(rig)) as shown:
        await accept_token(rig, shown)
        await shown.reply("to search for): ", "")
        await shown.reply("to search for): ", "7")
        await shown.reply("write numbers from 1 to 2", "nothing like it")
        await shown.reply('no account contains "nothing like it"', "all")
        await shown.reply("Name for act_11", "bad name")
        await shown.reply("not a valid name", "main")
        await shown.reply("Name for act_12", "main")
        await shown.reply('"main" is the name of another one', "eu")
        await shown.reply("Folder with images: ", "/missing")
        await shown.reply("/missing is not a directory", str(rig.folder))
        await shown.reply("Name for it", "spring")
        await shown.reply("Account for its images", "us")
        await shown.reply('"us" is not one of main, eu', "main")
        await shown.reply("Mirrors, with commas", "main")
        await shown.reply('"main" is not one of eu', "")
        await shown.reply("Another folder", str(inner))
        await shown.reply("is inside the folder", "")
        assert await shown.end() == 0, shown.text
    config = load(rig.path / "new/config.toml", {})
    assert (list(config.accounts), list(config.folders)) == (["main", "eu"], ["spring"])


async def test_two_hundred_accounts_are_searched_by_text(rig: Rig) -> None:
    open_accounts(rig, *range(1001, 1201))
    async with terminal(rig, *words(rig)) as shown:
        await accept_token(rig, shown)
        await shown.question("The token reaches 200 ad accounts:")
        await shown.question("and 180 more: type a text that their names contain")
        await shown.reply("to search for): ", "account 119")
        await shown.question("191  act_1191")
        await shown.reply("to search for): ", "all")
        await shown.reply("Folder with images: ", str(rig.folder))
        await shown.reply("Name for it", "spring")
        await shown.reply("Account for its images", "")
        await shown.reply("Mirrors", "")
        await shown.reply("Another folder", "")
        assert await shown.end() == 0, shown.text
    config = load(rig.path / "new/config.toml", {})
    assert [one.id for one in config.accounts.values()] == [str(n) for n in range(1190, 1200)]


@pytest.mark.parametrize("at", ["token", "account", "folder"])
async def test_ctrl_c_at_any_question_writes_nothing(rig: Rig, at: str) -> None:
    open_accounts(rig, 11)
    async with terminal(rig, *words(rig)) as shown:
        if at == "token":
            await shown.question("Access token (not shown): ")
        else:
            await accept_token(rig, shown)
            await shown.question("to search for) [all]: ")
        if at == "folder":
            await shown.reply("", "1")
            await shown.reply("Name for act_11", "")
            await shown.question("Folder with images: ")
        shown.interrupt()
        assert await shown.end() == 130
    assert "nothing was written" in shown.text
    assert not (rig.path / "new").exists()


async def test_a_token_that_reaches_no_accounts_is_not_written(rig: Rig) -> None:
    given = rig.path / "given"
    given.write_text(rig.sandbox.token)
    async with terminal(rig, *words(rig, "--token-file", str(given))) as shown:
        assert await shown.end() == 1
    assert "This token reaches no ad accounts" in shown.text
    assert not (rig.path / "new").exists()


async def test_without_a_terminal_init_names_the_options(rig: Rig) -> None:
    ended = await syncd(rig, *words(rig), stdin=b"")
    assert ended.code == 2
    assert "name at least one --account and one --folder" in ended.err


async def test_the_token_is_not_sent_to_an_address_without_encryption(rig: Rig) -> None:
    file = str(rig.path / "new/config.toml")
    line = ("init", "--config", file, "--base-url", "http://192.0.2.1")
    async with terminal(rig, *line) as shown:
        assert await shown.end() == 2
    assert "unencrypted" in shown.text
    assert "Access token" not in shown.text
