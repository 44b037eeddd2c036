"""Notifications of the real process: kills, restarts, reloads, and what is never printed."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

import pytest
from support.hook import Hook, hooking
from support.http_server import closed_port, http, self_signed, serving
from support.pictures import picture
from support.process import Daemon, running, syncd
from support.rig import Rig, until

from syncd.sandbox.faults import Fault


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async with hooking() as hook:
        yield hook


def receiver(rig: Rig, name: str, url: str, on: str = '["alert", "image.held"]') -> str:
    file = rig.path / f"{name}.url"
    file.write_text(f"{url}\n")
    file.chmod(0o600)
    return f'[[notify]]\nname = "{name}"\nurl = {{ file = "{file}" }}\non = {on}\n'


async def test_a_kill_before_the_record_sends_an_image_again_and_a_restart_no_alert(
    rig: Rig, hook: Hook
) -> None:
    topics = '["alert", "recovered", "image.held"]'
    rig.toml = receiver(rig, "hook", hook.url, topics)
    async with running(rig) as daemon:
        await until(lambda: rig.rows("SELECT 1 FROM receiver") == [(1,)])
        hook.on_accepted = daemon.process.kill
        rig.write("a.jpg", picture(1))
        await daemon.process.wait()
    hook.on_accepted = lambda: None
    before = len(hook.events)
    assert before >= 1
    async with running(rig) as daemon:
        await until(lambda: len(hook.events) > before)
        assert hook.events[0]["sha256"] == hook.events[-1]["sha256"]
        rig.sandbox.faults.add(Fault("190"))
        rig.write("b.jpg", picture(2))
        await until(lambda: len(hook.named("alert")) == 1)
        await until(lambda: rig.rows("SELECT subject FROM notified") == [("accounts.main",)])
        assert await daemon.end() == 0
    async with hooking() as other, running(rig) as daemon:
        await until(lambda: daemon.logged("account.stopped"))
        rig.toml += receiver(rig, "other", other.url, '["alert"]')
        rig.write_config()
        daemon.hang_up()
        await until(lambda: len(other.events) == 1)  # a new receiver learns what is still true
        assert daemon.logged("daemon.reloaded", "added")
        assert await daemon.end() == 0
    assert [event["subject"] for event in hook.named("alert")] == ["accounts.main"]
    assert hook.named("recovered") == []


FAILURES = ("dns", "refused", "tls", "not_found", "redirect", "invalid", "service", "unknown")
KEY = "T0SECRETKEY-0123456789"


def failing_receivers(rig: Rig, hook: Hook, tls: str) -> Iterator[str]:
    """Yield the tables of receivers that fail, each in another way."""
    urls = {
        "dns": f"https://no-such-host.invalid/{KEY}",
        "refused": f"http://localhost:{closed_port()}/{KEY}",
        "tls": f"{tls.replace('127.0.0.1', 'localhost')}/{KEY}",
        "not_found": hook.url.replace("127.0.0.1", "localhost"),
        "redirect": hook.url.replace("127.0.0.1", "localhost") + "&redirect",
        "invalid": f"https://[::1/{KEY}",
        "service": f"json://localhost:{closed_port()}/{KEY}",
        "unknown": f"nosuch://localhost/{KEY}",
    }
    assert set(urls) == set(FAILURES)
    for name, url in urls.items():
        yield receiver(rig, name, url)
    (rig.path / "ping").write_text(f"https://[::1/{KEY}")
    yield f'[ping]\nurl = {{ file = "{rig.path}/ping" }}\n'


async def test_no_failure_prints_or_records_a_url_or_its_server(rig: Rig, hook: Hook) -> None:
    hook.mode = "404 Not Found"
    async with serving(self_signed(rig.path)) as tls:
        tls.response = http(b"")
        rig.toml = "".join(failing_receivers(rig, hook, tls.url))
        config = ("--config", str(rig.write_config()))
        async with running(rig) as daemon:
            rig.write("a.jpg", picture(1))
            await until(lambda: all(_failing(daemon, name) for name in FAILURES))
            await until(lambda: daemon.logged("ping.failing"))
            commands = ("status --json", "check", "notify test", "notify test --json", "log")
            shown = await asyncio.gather(
                *(syncd(rig, *words.split(), *config) for words in commands)
            )
            assert await daemon.end() == 0
            assert daemon.count("notify.failing") == len(FAILURES)
    test, as_json = shown[2], json.loads(shown[3].out)["receivers"]
    assert (test.code, test.out.count("BAD ")) == (1, len(FAILURES))
    assert [one["accepted"] for one in as_json] == [False] * len(FAILURES)
    texts = [*daemon.lines, *(ended.out + ended.err for ended in shown)]
    files = [file.read_bytes() for file in rig.path.iterdir() if "ledger.db" in file.name]
    for part in (KEY, "no-such-host", "localhost", "0123456789abcdefSECRET", "/services"):
        assert not [text for text in texts if part in text], part
        assert not [file for file in files if part.encode() in file], part


def _failing(daemon: Daemon, name: str) -> bool:
    return daemon.logged("notify.failing", f"receiver={name} ")


async def test_syncd_notify_test_reports_each_receiver(rig: Rig, hook: Hook) -> None:
    rig.toml = receiver(rig, "chat", hook.url) + '[[notify]]\ncommand = ["false"]\nname = "tool"\n'
    config = ("--config", str(rig.write_config()))
    both, one = await asyncio.gather(
        syncd(rig, "notify", "test", *config),
        syncd(rig, "notify", "test", "chat", "--json", *config),
    )
    assert (both.code, both.err) == (1, "")
    assert both.out == "ok  chat  accepted the test\nBAD tool  it ended with exit code 1\n"
    assert one.code == 0
    assert json.loads(one.out) == {
        "receivers": [{"receiver": "chat", "accepted": True, "why": None}]
    }
    assert [event["event"] for event in hook.events] == ["test", "test"]


async def test_syncd_check_reports_receivers_that_cannot_be_notified(rig: Rig, hook: Hook) -> None:
    rig.toml = (
        receiver(rig, "chat", hook.url)
        + '[[notify]]\nurl = { file = "missing" }\nname = "gone"\n'
        + '[[notify]]\ncommand = ["/no/such/program"]\nname = "tool"\n'
        + '[ping]\nurl = { env = "NO_SUCH_VARIABLE" }\n'
    )
    ended = await syncd(rig, "check", "--json", "--config", str(rig.write_config()))
    found = {one["subject"]: one for one in json.loads(ended.out)["checks"]}
    assert ended.code == 1
    states = {name: one["state"] for name, one in found.items() if "receiver" in name}
    assert states == {"receiver chat": "ok", "receiver gone": "bad", "receiver tool": "bad"}
    assert "does not exist: write the URL into it" in found["receiver gone"]["message"]
    assert "is not found" in found["receiver tool"]["message"]
    assert found["ping"]["state"] == "bad"
    assert hook.requests == []  # nothing was sent
