"""A folder whose account has another id: the change is logged once, and shown by the plan."""

import json
import os
import pty
import sys
from asyncio import create_subprocess_exec, get_running_loop
from dataclasses import replace
from pathlib import Path

from structlog.testing import capture_logs
from structlog.typing import EventDict
from support.pictures import picture
from support.process import syncd
from support.rig import Rig, until

from syncd.sandbox.server import Sandbox
from syncd.sandbox.values import ImageHash


async def changes(rig: Rig) -> list[EventDict]:
    """Start and stop the daemon; return the `account.changed` events."""
    with capture_logs() as logs:
        async with rig.running():
            pass
    return [line for line in logs if line["event"] == "account.changed"]


async def rig_with_another_account(tmp_path: Path, sandbox: Sandbox) -> Rig:
    """Return a rig whose images are in account 1, and whose configuration names account 2."""
    rig = Rig(tmp_path, sandbox)
    rig.write("a.jpg", picture(1))
    assert (await rig.backfill()).in_sync
    rig.accounts = {"main": "2"}
    return rig


async def test_another_account_id_is_logged_once(tmp_path: Path, sandbox: Sandbox) -> None:
    rig = Rig(tmp_path, sandbox)
    assert await changes(rig) == [], "the first account of a folder is no change"
    assert await changes(rig) == []
    rig.accounts = {"main": "2"}
    (event,) = await changes(rig)
    assert (event["folder"], event["account"]) == ("spring", "main")
    assert (event["before"], event["id"], event["log_level"]) == ("1", "2", "warning")
    assert await changes(rig) == []


async def test_a_mirror_that_changes_is_not_another_account(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    accounts = {"main": "1", "eu": "2", "us": "3"}
    rig = Rig(tmp_path, sandbox, accounts=accounts, mirrors=("eu",))
    assert await changes(rig) == []
    rig.mirrors = ("us",)
    assert await changes(rig) == []


async def test_a_plan_names_the_old_and_the_new_account(tmp_path: Path, sandbox: Sandbox) -> None:
    rig = await rig_with_another_account(tmp_path, sandbox)
    ended = await syncd(rig, "plan", "--config", str(rig.write_config()))
    names = "Sandbox account {}, of Sandbox Business"
    before, now = (names.format(number) for number in (1, 2))
    changed = f"folder spring: its account was act_1 ({before}), and is now act_2 (main: {now})"
    assert changed in ended.out
    ended = await syncd(rig, "plan", "--json", "--config", str(rig.write_config()))
    assert json.loads(ended.out)["changed"] == [
        {"folder": "spring", "before": "1", "before_name": before, "id": "2", "name": now}
    ]


async def test_a_plan_without_a_usable_token_shows_the_ids_and_why(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = await rig_with_another_account(tmp_path, sandbox)
    rig.sandbox.tokens.revoke(rig.sandbox.token)
    ended = await syncd(rig, "plan", "--config", str(rig.write_config()))
    changed = "its account was act_1, and is now act_2 (main); its name is not known (190"
    assert (ended.code, changed in ended.out) == (0, True), ended.out
    file = rig.write_config()
    file.write_text(file.read_text().replace("SYNCD_TEST_TOKEN", "SYNCD_NO_TOKEN"))
    calls = sandbox.counts.calls()
    ended = await syncd(rig, "plan", "--config", str(file))
    changed = "its name is not known (the variable SYNCD_NO_TOKEN is not set"
    assert (ended.code, changed in ended.out) == (0, True), ended.out
    assert sandbox.counts.calls() == calls


async def test_a_plan_counts_the_images_of_an_account_that_is_new_to_a_folder(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = await rig_with_another_account(tmp_path, sandbox)
    (known,) = sandbox.library.images("1")
    for digit in "abc":
        theirs = replace(known.picture, hash=ImageHash(digit * 32))
        sandbox.library.add("2", theirs, f"{digit}.jpg")
    calls = sandbox.counts.calls()
    ended = await syncd(rig, "plan", "--config", str(rig.write_config()))
    assert "  has 3 images that syncd does not manage" in ended.out
    assert sandbox.counts.calls() == calls + 3, "a read of each account, and the list of one"
    ended = await syncd(rig, "plan", "--json", "--config", str(rig.write_config()))
    assert json.loads(ended.out)["accounts"]["main"]["unmanaged"] == 3
    assert (await rig.backfill()).in_sync
    ended = await syncd(rig, "plan", "--config", str(rig.write_config()))
    assert "does not manage" not in ended.out


async def test_a_backfill_of_a_part_asks_about_that_part_only(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    autumn = tmp_path / "autumn"
    autumn.mkdir()
    toml = f'[folders.autumn]\npath = "{autumn}"\naccount = "other"\n'
    rig = Rig(tmp_path, sandbox, accounts={"main": "1", "other": "3"}, toml=toml)
    assert (await rig.backfill()).in_sync
    rig.accounts = {"main": "2", "other": "3"}
    for part in (("--folder", "autumn"), ("--account", "other")):
        code, shown = await on_terminal(rig, b"", *part)
        assert (code, b"[y/N]" in shown) == (0, False), shown


async def test_a_backfill_without_a_terminal_continues(tmp_path: Path, sandbox: Sandbox) -> None:
    rig = await rig_with_another_account(tmp_path, sandbox)
    ended = await syncd(rig, "backfill", "--config", str(rig.write_config()))
    assert ended.code == 0
    assert "account.changed" in ended.err
    assert rig.holds(picture(1), "2")


async def on_terminal(rig: Rig, answer: bytes, *words: str) -> tuple[int, bytes]:
    """Run a backfill on a terminal, type `answer` at its question; return code and output."""
    ours, theirs = pty.openpty()
    config = str(rig.write_config())
    process = await create_subprocess_exec(
        *(sys.executable, "-m", "syncd", "backfill", "--config", config, *words),
        env=rig.environ,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown, loop = bytearray(), get_running_loop()

    def read() -> None:
        try:
            shown.extend(os.read(ours, 4096))
        except OSError:  # the other end was closed
            loop.remove_reader(ours)

    loop.add_reader(ours, read)
    try:
        if answer:
            await until(lambda: b"[y/N]" in shown)
            os.write(ours, answer + b"\n")
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        loop.remove_reader(ours)
        os.close(ours)
    return code, bytes(shown)


async def test_a_backfill_on_a_terminal_asks_with_the_name_of_the_account(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = await rig_with_another_account(tmp_path, sandbox)
    code, shown = await on_terminal(rig, b"n")
    assert code == 1
    assert b"Sandbox account 2, of Sandbox Business" in shown
    assert not rig.holds(picture(1), "2")
    code, _ = await on_terminal(rig, b"y")
    assert code == 0
    assert rig.holds(picture(1), "2")


async def test_a_backfill_does_not_ask_with_the_option_yes(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = await rig_with_another_account(tmp_path, sandbox)
    code, shown = await on_terminal(rig, b"", "--yes")
    assert (code, b"[y/N]" in shown) == (0, False)
    assert rig.holds(picture(1), "2")
