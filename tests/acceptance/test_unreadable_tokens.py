"""The real process and a token file that cannot be read: its accounts stop until it can."""

import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
from support.pictures import picture
from support.process import Daemon, running, syncd
from support.rig import Rig, until

from syncd.config import load
from syncd.daemon.credentials import opener
from syncd.graph.client import Credentials
from syncd.sandbox.server import Sandbox


def make_empty(token: Path) -> None:
    token.touch()


def make_binary(token: Path) -> None:
    token.write_bytes(bytes(range(256)))


def make_fifo(token: Path) -> None:
    os.mkfifo(token)


def make_directory(token: Path) -> None:
    token.mkdir()


def make_nothing(token: Path) -> None:
    """Leave no file."""


BAD = [make_empty, make_binary, make_fifo, make_directory, make_nothing]


def with_token_file(rig: Rig) -> tuple[Path, Path]:
    """Return the paths of a configuration and of the token file that it names."""
    token, file = rig.path / "token", rig.write_config()
    named = file.read_text().replace('env = "SYNCD_TEST_TOKEN"', f'file = "{token}"')
    file.write_text(named)
    return file, token


def replace_by(token: Path, make: Callable[[Path], None]) -> None:
    aside = token.with_name("aside")
    token.rename(aside)
    make(token)


def restore(token: Path, text: str) -> None:
    if token.is_dir():
        token.rmdir()
    good = token.with_name("good")
    good.write_text(text)
    good.rename(token)


def assert_stopped_once(daemon: Daemon) -> None:
    assert daemon.count("level=error", "event=account.stopped", 'kind="token unreadable"') == 1
    assert daemon.count("event=account.stopped", "token refused") == 0


@pytest.mark.parametrize("make", BAD)
async def test_a_token_that_becomes_unreadable_stops_its_accounts_until_it_is_readable(
    rig: Rig, make: Callable[[Path], None]
) -> None:
    file, token = with_token_file(rig)
    token.write_text(rig.sandbox.token)
    rig.write("a.jpg", picture(1))
    async with running(rig, "run", "--config", str(file)) as daemon:
        await until(lambda: daemon.logged("image.held", "a.jpg"))
        replace_by(token, make)
        await until(lambda: daemon.logged("event=account.stopped"))
        restore(token, rig.sandbox.token)
        await until(lambda: daemon.logged("event=token.changed"))
        rig.write("b.jpg", picture(2))
        await until(lambda: daemon.logged("image.held", "b.jpg"))
        assert_stopped_once(daemon)
        assert await daemon.end() == 0


@pytest.mark.parametrize("make", BAD)
async def test_a_daemon_starts_without_a_readable_token_and_waits_for_one(
    rig: Rig, make: Callable[[Path], None]
) -> None:
    file, token = with_token_file(rig)
    make(token)
    rig.write("a.jpg", picture(1))
    async with running(rig, "run", "--config", str(file)) as daemon:
        await until(lambda: daemon.logged("event=account.stopped"))
        restore(token, rig.sandbox.token)
        await until(lambda: daemon.logged("image.held", "a.jpg"))
        assert_stopped_once(daemon)
        assert await daemon.end() == 0


async def test_accounts_with_one_unreadable_token_stay_one_alert_through_a_restart(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(tmp_path, sandbox, accounts={"main": "1", "eu": "2"}, mirrors=("eu",))
    file, token = with_token_file(rig)
    make_directory(token)
    sinces = set()
    for _ in range(2):
        async with running(rig, "run", "--config", str(file)) as daemon:
            await until(lambda: daemon.count("event=account.stopped") == 2)
            assert daemon.count("level=error", "event=account.stopped", "main", "eu") == 1
            assert daemon.count("level=info", "event=account.stopped") == 1
            assert daemon.count("event=account.retried") == 0
            assert await daemon.end() == 0
        assert daemon.count("event=account.stopped") == 2
        sinces |= {since for (since,) in rig.rows("SELECT since FROM pause")}
    assert len(sinces) == 1


async def test_the_reason_of_a_stop_is_that_for_which_the_token_cannot_be_read_now(
    rig: Rig,
) -> None:
    file, token = with_token_file(rig)
    make_directory(token)
    async with running(rig, "run", "--config", str(file)) as daemon:
        await until(lambda: daemon.logged("event=account.stopped", "not a regular file"))
        restore(token, "")
        await until(lambda: daemon.logged("event=account.stopped", "is empty"))
        assert "is empty" in (await syncd(rig, "status", "--config", str(file))).out
        restore(token, rig.sandbox.token)
        await until(lambda: daemon.logged("event=token.changed"))
        assert daemon.count("event=account.stopped") == 2
        assert await daemon.end() == 0


async def test_retry_runs_the_command_that_prints_a_token_once_more(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    rig = Rig(tmp_path, sandbox, accounts={"main": "1", "eu": "2"}, mirrors=("eu",))
    file = rig.write_config()
    script = tmp_path / "print-token"
    script.write_text(f"echo x >> {tmp_path}/runs; cat {tmp_path}/unlocked")
    command = f'{{ command = ["sh", "{script}"] }}'
    file.write_text(file.read_text().replace('{env = "SYNCD_TEST_TOKEN"}', command))
    rig.write("a.jpg", picture(1))
    async with running(rig, "run", "--config", str(file)) as daemon:
        await until(lambda: daemon.count("event=account.stopped") == 2)
        (tmp_path / "unlocked").write_text(rig.sandbox.token)
        assert (await syncd(rig, "retry", "--config", str(file))).code == 0
        await until(lambda: daemon.count("event=image.held") == 2)
        assert await daemon.end() == 0
    assert (tmp_path / "runs").read_text() == "x\n" * 2, "at the start, and after the retry"


def test_a_token_remains_known_while_no_file_can_be_opened(rig: Rig) -> None:
    file, token = with_token_file(rig)
    token.write_text(rig.sandbox.token)
    config = load(file, rig.environ)
    open_account = opener(config, rig.environ, lambda _: None)
    late = opener(config, rig.environ, lambda _: None)
    (account,) = config.accounts.values()
    known = open_account(account)
    assert isinstance(known, Credentials)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        now, unknown = open_account(account), late(account)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert now == known
    assert isinstance(unknown, str)
    assert "more open files" in unknown
