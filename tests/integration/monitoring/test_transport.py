"""The ways to a receiver: what arrives, and what an error says without naming the server."""

import asyncio
import json
import os
import socket
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from support.config_text import config_text
from support.hook import Hook, hooking
from support.http_server import closed_port, http, self_signed, serving
from support.rig import until

from syncd.check.receivers import receiver_facts
from syncd.config import Command, NotifyConfig, Secret, SecretFile
from syncd.config.load import loads
from syncd.logs.hooks import capture_libraries
from syncd.logs.secrets import without_secrets
from syncd.monitoring.entries import TestEntry
from syncd.monitoring.errors import INVALID_URL, DeliveryError
from syncd.monitoring.http import post
from syncd.monitoring.ping import with_signal
from syncd.monitoring.transport import (
    NEEDS_APPRISE,
    Program,
    Service,
    Webhook,
    hide_url,
    needs_apprise,
    open_transport,
    read_url,
)

WORKFLOW = "/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers&sv=1.0&sig=abcdefghijk"
"""The end of a URL of Teams."""

TEST = [TestEntry("test", "2026-11-28T19:13:49.000Z")]
ENVIRON = dict(os.environ)

# Of modules that plugins of apprise import.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async with hooking() as hook:
        yield hook


def program(path: Path, text: str) -> str:
    file = path / "program"
    file.write_text(f"#!{sys.executable}\n{text}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return str(file)


async def error_of(url: str, limit: float = 10.0) -> str:
    with pytest.raises(DeliveryError) as caught:
        await post(url, b"{}", "application/json", limit)
    assert caught.value.__context__ is None
    return str(caught.value)


async def test_a_program_gets_the_json_on_its_input(tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = (program(tmp_path, f"import sys; open({str(out)!r}, 'w').write(sys.stdin.read())"),)
    await Program(words, ENVIRON).send(TEST)
    found = json.loads(out.read_text())
    assert found["host"] == socket.gethostname()
    assert found["events"] == [{"event": "test", "timestamp": "2026-11-28T19:13:49.000Z"}]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("raise SystemExit(3)", "it ended with exit code 3"),
        (
            "import sys; sys.stderr.write('first\\x1b[0m line\\nsecond'); raise SystemExit(1)",
            "it ended with exit code 1: first\\x1b[0m line",
        ),
        ("import os; os.kill(os.getpid(), 9)", "it ended with signal 9"),
        ("import time; time.sleep(60)", "it did not end within 0.5 s"),
        (
            "import sys; sys.stderr.write('x' * 100_000)",
            "it wrote more than 65,536 bytes to stderr",
        ),
    ],
)
async def test_a_program_that_fails_is_an_error_with_its_first_line(
    tmp_path: Path, text: str, reason: str
) -> None:
    limit = 0.5 if "sleep" in text else 30.0
    with pytest.raises(DeliveryError) as caught:
        await Program((program(tmp_path, text),), ENVIRON, limit).send(TEST)
    assert str(caught.value) == reason


async def test_a_program_that_cannot_be_started_is_an_error() -> None:
    with pytest.raises(DeliveryError, match=r"cannot be started \(No such file.*ExecPaths="):
        await Program(("/no/such/program",), ENVIRON).send(TEST)


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "204 No Content", "299 Odd"])
async def test_any_2xx_accepts_a_notification(hook: Hook, status: str) -> None:
    hook.mode = status
    await Webhook(hook.url).send(TEST)
    (request,) = hook.requests
    assert request.line == f"POST {hook.url.removeprefix(hook.server.url)} HTTP/1.1"


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("404 Not Found", "the server responded with HTTP 404"),
        ("500 Failed", "the server responded with HTTP 500"),
        (
            "302 Found",
            (
                "the server responded with HTTP 302, a redirect, which is not followed: write the"
                " URL that it leads to"
            ),
        ),
        ("close", "the connection to the server was closed before the response was complete"),
    ],
)
async def test_a_response_that_does_not_accept_is_an_error(
    hook: Hook, mode: str, reason: str
) -> None:
    hook.mode = mode
    assert await error_of(hook.url) == reason
    assert len(hook.requests) == 1


async def test_errors_of_the_connection_do_not_name_the_server(tmp_path: Path) -> None:
    assert (
        await error_of(f"http://127.0.0.1:{closed_port()}/secret")
        == "cannot reach the server: connection refused"
    )
    assert (
        await error_of("https://no-such-host.invalid/secret")
        == "cannot reach the server: its name cannot be resolved"
    )
    assert (
        await error_of("https://c/secret") == "cannot reach the server: its name cannot be resolved"
    )
    for url in ("https://", "https://[::1/x", "http:///c"):
        assert await error_of(url) == INVALID_URL
    async with hooking() as hook:
        hook.mode = "hang"
        assert await error_of(hook.url, 0.2) == "the server did not respond within 0.2 s"
    async with serving(self_signed(tmp_path)) as server:
        found = await error_of(server.url)
        assert found.startswith("the TLS certificate of the server is not valid: self-signed")
        found = await error_of(server.url.replace("127.0.0.1", "localhost"))
        assert "localhost" not in found


async def test_a_proxy_of_the_environment_is_used_and_its_failure_names_the_proxy_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with serving() as server:
        server.response = http(b"", "403 Forbidden")
        monkeypatch.setenv("https_proxy", server.url)
        found = await error_of("https://hooks.invalid/secret")
        assert found == "the proxy did not connect to the server: HTTP 403"
        assert server.requests[0].line.startswith("CONNECT hooks.invalid:443")
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{closed_port()}")
    found = await error_of("https://hooks.invalid/secret")
    assert found == "cannot reach the proxy 127.0.0.1: connection refused"


async def test_a_service_gets_a_text_through_apprise(hook: Hook) -> None:
    await Service(f"json{hook.url.removeprefix('http')}").send(TEST)
    (body,) = hook.bodies
    found = json.loads(body)
    assert found["title"] == f"syncd on {socket.gethostname()}: test"
    assert "nothing has to be done" in found["message"]


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("404 Not Found", "apprise could not deliver the message (HTTP 404)"),
        (
            "close",
            "apprise could not deliver the message (check the URL, and whether it is reachable)",
        ),
    ],
)
async def test_a_service_that_fails_is_an_error_and_libraries_log_nothing(
    hook: Hook, mode: str, reason: str
) -> None:
    capture_libraries()
    hook.mode = mode
    with capture_logs() as logs, pytest.raises(DeliveryError) as caught:
        await Service(f"json{hook.url.removeprefix('http')}").send(TEST)
    assert str(caught.value) == reason
    assert logs == []


async def test_a_service_that_hangs_is_given_up(hook: Hook) -> None:
    hook.mode = "hang"
    with pytest.raises(DeliveryError, match=r"apprise did not end within 0\.2 s"):
        await Service(f"json{hook.url.removeprefix('http')}", 0.2).send(TEST)


async def test_a_url_that_apprise_does_not_know_is_an_error() -> None:
    with pytest.raises(DeliveryError) as caught:
        await Service("nosuch://secret").send(TEST)
    assert str(caught.value) == "apprise does not know a service with a URL of this form"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", True),
        ("https://discord.com/api/webhooks/4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", True),
        ("https://discordapp.com/api/webhooks/4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", True),
        ("https://ntfy.sh/a-topic", True),
        ("https://chat.googleapis.com/v1/spaces/ABC/messages?key=KEYKEY&token=TOKTOK", True),
        (f"https://api.flock.com/hooks/sendMessage/{'a' * 24}", True),
        (f"https://webexapis.com/v1/webhooks/incoming/{'a' * 80}", True),
        (f"https://open.larksuite.com/open-apis/bot/v2/hook/{'a' * 36}", True),
        (f"https://p.westus.logic.azure.com/workflows/{'a' * 32}{WORKFLOW}", True),
        (
            (
                "https://d.environment.api.powerplatform.com/powerautomate/automations/direct/workflows"
                f"/{'a' * 32}{WORKFLOW}"
            ),
            True,
        ),
        ("ntfy://a-topic", True),
        ("mailto://user:pass@example.com", True),
        ("https://example.com/hooks.slack.com", False),
        ("http://127.0.0.1:8080/x", False),
    ],
)
def test_a_url_of_a_service_goes_through_apprise_which_recognises_it(
    url: str, expected: bool
) -> None:
    import apprise  # noqa: PLC0415  slow to load

    assert needs_apprise(url) is expected
    assert (apprise.Apprise.instantiate(url) is not None) is expected


async def test_the_file_of_a_url_decides_how_it_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "url"
    receiver = NotifyConfig(url=SecretFile(str(file)), name="a")
    file.write_text("http://127.0.0.1/x\n")
    assert isinstance(await open_transport(receiver, ENVIRON), Webhook)
    file.write_text("ntfy://topic\n")
    assert isinstance(await open_transport(receiver, ENVIRON), Service)
    file.unlink()
    with pytest.raises(DeliveryError, match="does not exist: write the URL into it"):
        await open_transport(receiver, ENVIRON)


@pytest.mark.parametrize("ping", ["https://[::1/KEY", "hc-ping.com/KEY", "ntfy://KEY"])
async def test_a_url_that_cannot_be_used_is_an_error_before_anything_is_sent(
    tmp_path: Path, ping: str
) -> None:
    file = tmp_path / "url"
    file.write_text(ping)
    with pytest.raises(DeliveryError) as caught:
        await read_url(SecretFile(str(file)), ENVIRON, is_ping=True)
    assert str(caught.value) == INVALID_URL
    config = loads(
        f'{config_text({})}\n[ping]\nurl = {{ file = "{file}" }}', tmp_path / "config.toml", {}
    )
    assert [found.problem for found in receiver_facts(config, ENVIRON)] == [INVALID_URL]


async def test_a_service_without_apprise_is_an_error_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "url"
    file.write_text("https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ")
    monkeypatch.setitem(sys.modules, "apprise", None)  # makes it unavailable
    with pytest.raises(DeliveryError, match=r"install it with `pip install 'syncd\[notify\]'`"):
        await open_transport(NotifyConfig(url=SecretFile(str(file)), name="a"), ENVIRON)
    config = loads(
        f'{config_text({})}\n[[notify]]\nurl = {{ file = "{file}" }}\nname = "a"',
        tmp_path / "config.toml",
        {},
    )
    (found,) = receiver_facts(config, ENVIRON)
    assert (found.name, found.problem) == ("receiver a", NEEDS_APPRISE)


def test_a_url_and_its_keys_are_hidden_and_words_of_its_path_are_not() -> None:
    hide_url(Secret("https://hooks.example.com/services/T0ABCDEFGHIJKLMNOP?key=0123456789abcdefXY"))
    for text in ("T0ABCDEFGHIJKLMNOP", "0123456789abcdefXY"):
        assert without_secrets(f"a {text} b") == "a *** b"
    assert without_secrets("services and hooks.example.com") == "services and hooks.example.com"


@pytest.mark.parametrize(
    ("url", "signal", "expected"),
    [
        ("https://hc.example/uuid", "fail", "https://hc.example/uuid/fail"),
        ("https://hc.example/uuid/", "start", "https://hc.example/uuid/start"),
        ("https://hc.example/uuid?rid=1&a=b", "fail", "https://hc.example/uuid/fail?rid=1&a=b"),
        ("https://hc.example/uuid?rid=1", "", "https://hc.example/uuid?rid=1"),
    ],
)
def test_the_signal_of_a_ping_is_the_end_of_its_path(url: str, signal: str, expected: str) -> None:
    assert with_signal(url, signal) == expected


HANGING = """
import os, sys, time
if os.fork() == 0:
    sys.stderr.close()
open({pids!r}, "a").write(f"{{os.getpid()}} ")
time.sleep(3600)
"""
"""A program that hangs with a process that it has started; both write their process ids."""


@pytest.mark.parametrize("what", ["the program", "the command of a URL"])
async def test_a_program_ends_with_all_that_it_started_when_its_notification_is_cancelled(
    tmp_path: Path, what: str
) -> None:
    pids = tmp_path / "pids"
    words = (program(tmp_path, HANGING.format(pids=str(pids))),)
    sending = (
        Program(words, ENVIRON).send(TEST)
        if what == "the program"
        else read_url(Command(words), ENVIRON)
    )
    task: asyncio.Task[object] = asyncio.create_task(sending)
    await until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: not any(map(is_running, pids.read_text().split())))


def is_running(pid: str) -> bool:
    """Return whether a process exists and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
