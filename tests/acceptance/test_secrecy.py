"""No token, app secret or proof is found in anything that a real process writes or shows."""

# ruff: noqa: ASYNC240  blocking the loop of a test delays nothing

import asyncio
import json
import shlex
import signal
import sys
from functools import partial
from pathlib import Path

import pytest
from support.forked import forks
from support.http_server import http, self_signed, serving
from support.notify_socket import service_manager
from support.page_client import fetch
from support.pictures import picture
from support.process import running, syncd
from support.rig import Rig, until
from support.secrecy import Secrets, files_below, process_view, proof_of
from support.tcp import free_port

from syncd.config.listen import TcpAddress
from syncd.sandbox.faults import Fault
from syncd.sandbox.tokens import Token

OLD = "EAAB" + "x1Y2z3Kq" * 9 + "Qw7e"
NEW = "EAAC" + "q9W8e7Rt" * 9 + "Zu5i"
APP_SECRET = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"
ALL = Secrets(
    old=OLD,
    new=NEW,
    app_secret=APP_SECRET,
    proof=proof_of(OLD, APP_SECRET),
    new_proof=proof_of(NEW, APP_SECRET),
)
TOKENS = Secrets(old=OLD, new=NEW, app_secret=APP_SECRET)
NOTE = """
import os, sys
sys.stdin.read()
with open({file!r}, "ab") as noted, open("/proc/self/environ", "rb") as environ:
    noted.write(environ.read())
    for number in range(3, 20):
        if os.path.exists(f"/proc/self/fd/{{number}}"):
            noted.write(os.fsencode(os.readlink(f"/proc/self/fd/{{number}}")))
"""
COMMANDS = (
    ("status",),
    ("status", "--json"),
    ("check",),
    ("check", "--json"),
    ("token", "show"),
    ("token", "test"),
    ("plan",),
    ("find", "a.jpg", "--json"),
    ("log", "--json"),
    ("export",),
    ("deletions",),
    ("audit",),
    ("images", "list", "--account", "main", "--json"),
    ("notify", "test"),
    ("conformance", "--account", "main", "--json"),
    ("ledger", "check", "--json"),
    ("ledger", "backup", "copy.db"),
    ("report", "report.html"),
)
FILES = ("copy.db", "report.html")


@pytest.fixture
def sources(tmp_path: Path) -> list[Path]:
    """Write the files of the token and of the app secret."""
    files = [tmp_path / "token", tmp_path / "app_secret"]
    for file, text in zip(files, (OLD, APP_SECRET), strict=True):
        file.write_text(text)
        file.chmod(0o600)
    return files


def write_config(rig: Rig, sources: list[Path], address: str = "127.0.0.1:1") -> str:
    """Write a configuration with secrets, and with everything that syncd can write; its path."""
    token, app_secret = sources
    note = json.dumps([sys.executable, "-c", NOTE.format(file=str(rig.path / "noted"))])
    rig.toml = (
        f'[log]\nlevel = "debug"\nformat = "json"\nstats_every = "1s"\n'
        f'[metrics]\nlisten = "{address}"\n'
        f'textfile = "{rig.path}/syncd.prom"\n'
        f'[[notify]]\nname = "note"\ncommand = {note}\non = ["alert", "recovered", "image.held"]\n'
    )
    file = rig.write_config()
    secret = json.dumps(["sh", "-c", f"cat {shlex.quote(str(app_secret))}"])
    text = file.read_text().replace(
        'token = {env = "SYNCD_TEST_TOKEN"}',
        f'token = {{ file = "{token}" }}\napp_secret = {{ command = {secret} }}',
    )
    file.write_text(text)
    return str(file)


async def test_secrets_are_in_nothing_that_the_daemon_and_the_commands_write_or_show(
    rig: Rig, sources: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.sandbox.tokens.add(Token(OLD))
    rig.sandbox.tokens.add(Token(NEW))
    listen = TcpAddress("127.0.0.1", free_port())
    config = write_config(rig, sources, str(listen))
    seen: dict[str, str | bytes] = {}
    rig.write("a.jpg", picture(1))
    with service_manager(rig.path / "notify.sock") as manager:
        monkeypatch.setenv("NOTIFY_SOCKET", manager.address)
        async with running(rig, "run", "--config", config) as daemon:
            await until(lambda: rig.recorded(picture(1)) is not None)
            seen |= process_view(daemon.process.pid)
            for fault in ("reset_before", "cut_off", "html502", "half_json", "190"):
                rig.sandbox.faults.add(Fault(fault, times=1, on="upload"))
            rig.write("b.jpg", picture(2))
            await until(lambda: daemon.logged("account.stopped"))
            await until((rig.path / "syncd.prom").exists)
            for path in ("/metrics", "/healthz", "/readyz"):
                seen[path] = (await fetch(listen, path)).text
            ended = await syncd(rig, "token", "set", "--config", config, stdin=NEW.encode())
            assert ended.code == 0, ended.err
            seen["token set"] = ended.out + ended.err
            daemon.hang_up()
            await until(lambda: rig.recorded(picture(2)) is not None)
            await until((rig.path / "noted").exists)
            seen |= process_view(daemon.process.pid)
            await daemon.end(signal.SIGABRT)  # as the watchdog: it logs where it was
        seen["STATUS"] = "\n".join(manager.statuses())
    seen["log"] = "\n".join(daemon.lines)
    assert daemon.logged("Thread") or daemon.logged("File ")
    seen |= await commands(rig, config)
    seen |= files_below(rig.path, sources)
    assert len(seen) > 50
    ALL.assert_not_in(seen)
    assert ALL.found_in(f"x{OLD[20:28]}") == {"old"}


async def commands(rig: Rig, config: str) -> dict[str, str | bytes]:
    """Return the output of each command."""
    found: dict[str, str | bytes] = {}
    with forks(rig.path) as forked:
        for words in COMMANDS:
            named = [str(rig.path / word) if word in FILES else word for word in words]
            run = partial(forked.run, rig.environ, *named, "--config", config)
            ended = await asyncio.to_thread(run)
            assert ended.code in {0, 1}, (words, ended)
            found[" ".join(words)] = ended.out + ended.err
    return found


async def test_errors_of_the_connection_and_mistakes_contain_no_secret(
    rig: Rig, sources: list[Path], tmp_path: Path
) -> None:
    seen: dict[str, str | bytes] = {}
    async with serving() as echo, serving(self_signed(tmp_path)) as tls, serving() as other:
        echo.response = http(
            b"", "302 Found", f"Location: {other.url}/?access_token={OLD}&x={APP_SECRET}"
        )
        for name, url in (("redirect", echo.url), ("TLS", tls.url)):
            config = Path(write_config(rig, sources))
            config.write_text(config.read_text().replace(rig.sandbox.url, url))
            for words in (("check",), ("token", "test"), ("images", "list", "--account", "main")):
                ended = await syncd(rig, *words, "--config", str(config))
                assert ended.code in {1, 69}, ended.err
                seen[f"{name} {words}"] = ended.out + ended.err
        assert other.requests == []  # the redirect is not followed
        assert f"Bearer {OLD}" in echo.requests[0].header("Authorization")
        lines = {f"URL {n}": request.line for n, request in enumerate(echo.requests)}
    mistakes = Path(write_config(rig, sources))
    mistakes.write_text(
        f'{mistakes.read_text()}\n[accounts.x]\nid = "{OLD}"\ntoken = "{OLD}"\n'
        f'app_secret = {{ env = "{APP_SECRET}" }}\n'
    )
    ended = await syncd(rig, "check", "--config", str(mistakes))
    assert ended.code == 78
    seen["mistakes"] = ended.out + ended.err
    ALL.assert_not_in(seen)
    # The proof is a parameter of calls, as the API demands; it has no use without the token.
    TOKENS.assert_not_in(lines)


async def test_a_program_gets_no_variable_that_has_a_secret(rig: Rig) -> None:
    noted, token_noted = rig.path / "noted", rig.path / "token_noted"
    words = [sys.executable, "-c", NOTE.format(file=str(noted))]
    rig.toml = (
        f'[[notify]]\nname = "note"\ncommand = {json.dumps(words)}\non = ["image.held"]\n'
        '[accounts.eu]\nid = "2"\ntoken = { command = '
        + json.dumps(["sh", "-c", f"env >> {token_noted}; echo sandbox-token-2"])
        + " }\n"
    )
    rig.sandbox.tokens.add(Token(OLD))
    rig.sandbox.tokens.add(Token("sandbox-token-2"))
    environ = {"SYNCD_TEST_TOKEN": OLD, "OTHER": "remains"}
    config = str(rig.write_config())
    rig.write("a.jpg", picture(1))
    under = ["env", *(f"{name}={value}" for name, value in environ.items())]
    async with running(rig, "run", "--config", config, under=under) as daemon:
        await until(lambda: noted.exists() and noted.read_bytes() != b"")
        await daemon.end()
    ended = await syncd(rig, "notify", "test", "--config", config, under=under)
    assert ended.code == 0, ended.err
    shown = {str(file): file.read_bytes() for file in (noted, token_noted)}
    assert all(b"OTHER=remains" in text for text in shown.values())
    ALL.assert_not_in(shown)
