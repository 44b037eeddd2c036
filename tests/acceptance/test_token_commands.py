"""`syncd token`: what it shows, tests and writes, and that no output contains a token."""

import asyncio
import os
import pty
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support.pictures import picture
from support.process import Ended, running, syncd
from support.rig import Rig, until

from syncd.sandbox.faults import Fault
from syncd.sandbox.server import Sandbox
from syncd.sandbox.tokens import DEFAULT_TOKEN, Token

LONG = "EAAB" + "x1Y2z3" * 30 + "tail"
NEW = "EAAC" + "q9W8e7" * 30 + "last"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(LONG)
    path.chmod(0o640)
    return path


@pytest.fixture
def rig(tmp_path: Path, sandbox: Sandbox, file: Path) -> Rig:
    sandbox.tokens.add(Token(LONG, expires_at=2e9))
    sandbox.tokens.add(Token(NEW))
    return Rig(tmp_path, sandbox)


def config_of(rig: Rig, file: Path, more: str = "") -> str:
    """Write a configuration whose token is in a file; return its path."""
    path = rig.write_config()
    lines = [
        f'token = {{ file = "{file}" }}' if line.startswith("token = ") else line
        for line in path.read_text().splitlines()
    ]
    path.write_text("\n".join([*lines, more]))
    return str(path)


def content(file: Path) -> str:
    return file.read_text()


def rewrite(file: Path, text: str) -> None:
    file.write_text(text)


async def run(rig: Rig, *words: str, stdin: bytes | None = None) -> Ended:
    """Run `syncd token`, and check that it prints no token."""
    ended = await syncd(rig, "token", *words, stdin=stdin)
    for secret in (LONG, NEW):
        for size in (12, 8):
            assert secret[:size] not in ended.out + ended.err
            assert secret[-size:] not in ended.out + ended.err
    return ended


async def test_show_prints_the_user_the_scopes_and_the_expiry(rig: Rig, file: Path) -> None:
    ended = await run(rig, "show", "--config", config_of(rig, file))
    assert ended.code == 0, ended.err
    for text in (
        "token of main",
        f"source   the file {file}",
        "***tail (188 characters)",
        "user     Sandbox User",
        "app      Sandbox App",
        "scopes   ads_management, ads_read, business_management",
        "expires  2033-05-1",
    ):
        assert text in ended.out


async def test_show_reports_a_missing_permission_and_an_unknown_expiry(
    rig: Rig, file: Path
) -> None:
    rig.sandbox.switches = replace(
        rig.sandbox.switches, token_scopes="ads_read", inspection="app_only"
    )
    ended = await run(rig, "show", "--config", config_of(rig, file))
    assert "it does not have the permission ads_management" in ended.out
    assert "expires  not known" in ended.out


async def test_show_ends_with_1_for_a_rejected_token(rig: Rig, file: Path) -> None:
    rig.sandbox.tokens.revoke(LONG)
    ended = await run(rig, "show", "--config", config_of(rig, file))
    assert ended.code == 1
    assert "problem  190" in ended.out


async def test_a_short_token_is_not_shown_at_all(rig: Rig, file: Path) -> None:
    config = config_of(rig, file)
    rewrite(file, DEFAULT_TOKEN)
    ended = await run(rig, "show", "--config", config)
    assert f"*** ({len(DEFAULT_TOKEN)} characters)" in ended.out


async def test_test_reads_each_account(rig: Rig, file: Path) -> None:
    config = config_of(rig, file)
    ended = await run(rig, "test", "--config", config)
    assert ended.code == 0, ended.err
    assert "ok  token of main  accepted: Sandbox User" in ended.out
    assert "ok  account main   act_1" in ended.out
    rig.sandbox.tokens.add(Token(LONG, frozenset()))
    ended = await run(rig, "test", "--config", config)
    assert ended.code == 1
    assert "BAD account main" in ended.out


async def test_set_replaces_the_file_after_a_test(rig: Rig, file: Path) -> None:
    config = config_of(rig, file)
    before = os.stat(file)
    ended = await run(rig, "set", "--config", config, stdin=NEW.encode() + b"\n")
    assert ended.code == 0, ended.err
    assert f"saved to {file}" in ended.out
    assert content(file) == f"{NEW}\n"
    after = os.stat(file)
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)
    assert stat.S_IMODE(after.st_mode) == 0o640
    assert (after.st_ino != before.st_ino, list(file.parent.glob(".syncd-token-*"))) == (True, [])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
async def test_set_keeps_the_owner_and_closes_the_file_to_others(rig: Rig, file: Path) -> None:
    os.chown(file, 1234, 5678)
    os.chmod(file, 0o666)
    ended = await run(rig, "set", "--config", config_of(rig, file), stdin=NEW.encode())
    assert ended.code == 0, ended.err
    after = os.stat(file)
    assert (after.st_uid, after.st_gid, stat.S_IMODE(after.st_mode)) == (1234, 5678, 0o640)


async def test_set_creates_a_file_that_only_its_owner_can_read(rig: Rig, file: Path) -> None:
    os.unlink(file)
    ended = await run(rig, "set", "--config", config_of(rig, file), stdin=NEW.encode())
    assert ended.code == 0, ended.err
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600


@pytest.mark.parametrize(
    ("given", "switches", "reason"),
    [
        (b"EAAD-unknown-token-of-somewhere", {}, "190"),
        (NEW.encode(), {"token_scopes": "ads_read"}, "the permission ads_management"),
        (b"", {}, "is not a token"),
        (b"two words", {}, "is not a token"),
    ],
)
async def test_set_writes_no_token_that_fails_its_test(
    rig: Rig, file: Path, given: bytes, switches: dict[str, str], reason: str
) -> None:
    rig.sandbox.switches = replace(rig.sandbox.switches, **switches)  # type: ignore[arg-type]  # texts
    ended = await run(rig, "set", "--config", config_of(rig, file), stdin=given)
    assert (ended.code, reason in ended.err) == (1, True), ended.err
    assert content(file) == LONG


async def test_set_writes_no_token_that_cannot_read_an_account(rig: Rig, file: Path) -> None:
    rig.sandbox.tokens.add(Token(NEW, frozenset()))
    ended = await run(rig, "set", "--config", config_of(rig, file), stdin=NEW.encode())
    assert ended.code == 1
    assert "it cannot read main" in ended.err
    assert content(file) == LONG


async def test_set_reports_that_the_permissions_are_not_known(rig: Rig, file: Path) -> None:
    rig.sandbox.faults.add(Fault("100", on="other"))
    rig.sandbox.faults.add(Fault("100", on="me", after=1))
    ended = await run(rig, "set", "--config", config_of(rig, file), stdin=NEW.encode())
    assert ended.code == 0, ended.err
    assert "scopes   not known (100" in ended.out
    assert "uploads show whether it has ads_management" in ended.out
    assert content(file) == f"{NEW}\n"


async def test_set_names_another_way_for_a_token_that_is_not_in_a_file(rig: Rig) -> None:
    ended = await run(rig, "set", "--config", str(rig.write_config()), stdin=NEW.encode())
    assert ended.code == 1
    assert "where syncd is started, then restart it" in ended.err


async def test_set_asks_which_of_several_tokens_to_replace(
    rig: Rig, file: Path, tmp_path: Path
) -> None:
    more = f'[accounts.other]\nid = "2"\ntoken = {{ file = "{tmp_path}/second" }}\n'
    config = config_of(rig, file, more)
    ended = await run(rig, "set", "--config", config, stdin=NEW.encode())
    assert ended.code == 2
    assert "different tokens" in ended.err
    ended = await run(rig, "set", "other", "--config", config, stdin=NEW.encode())
    assert ended.code == 0, ended.err
    assert (tmp_path / "second").read_text() == f"{NEW}\n"
    assert content(file) == LONG
    assert (await run(rig, "set", "third", "--config", config, stdin=b"x")).code == 2


async def test_a_running_daemon_uses_a_token_that_was_set(rig: Rig, file: Path) -> None:
    config = config_of(rig, file)
    async with running(rig, "run", "--config", config) as daemon:
        await until(lambda: daemon.logged("daemon.started"))
        rig.sandbox.tokens.revoke(LONG)
        rig.write("a.jpg", picture(1))
        await until(lambda: daemon.logged("account.stopped"))
        assert (await run(rig, "set", "--config", config, stdin=NEW.encode())).code == 0
        await until(lambda: rig.holds(picture(1)))
        assert not daemon.logged(NEW[:12])


async def test_a_terminal_does_not_echo_the_token(rig: Rig, file: Path) -> None:
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "syncd", "token", "set", "--config", config_of(rig, file)),
        env=rig.environ,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = bytearray()

    def read() -> None:
        try:
            shown.extend(os.read(ours, 4096))
        except OSError:  # the other end was closed
            asyncio.get_running_loop().remove_reader(ours)

    asyncio.get_running_loop().add_reader(ours, read)
    try:
        await until(lambda: b"(not shown): " in shown)
        os.write(ours, NEW.encode() + b"\n")
        assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        asyncio.get_running_loop().remove_reader(ours)
        os.close(ours)
    assert NEW[:8].encode() not in shown
    assert content(file) == f"{NEW}\n"
