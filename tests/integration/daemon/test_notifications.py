"""Notifications: each receiver gets what happened, at least once, and delays nothing."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from hashlib import sha256

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict
from support.hook import Hook, hooking
from support.pictures import picture
from support.rig import Rig, until, wait_until_held

from syncd.daemon import notifications as daemon_notifications
from syncd.daemon.notifications import Notifications
from syncd.daemon.runtime import take_ledger
from syncd.ledger import alerts
from syncd.ledger.database import Ledger
from syncd.ledger.statements import Write, all_of
from syncd.sandbox.faults import Fault

REMEDY = "do this"
notifying = partial(daemon_notifications.notifying, poll=0.02)
DELETE_BEFORE = "DELETE FROM history WHERE id < ?"


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async with hooking() as hook:
        yield hook


def receiver(rig: Rig, hook: Hook, on: str, every: str = "0s", name: str = "hook") -> str:
    """Write the URL of a receiver, and return its table."""
    file = rig.path / f"{name}.url"
    file.write_text(f"{hook.url}\n")
    url = f'url = {{ file = "{file}" }}'
    return f'[[notify]]\nname = "{name}"\n{url}\non = {on}\nevery = "{every}"\n'


@asynccontextmanager
async def at_rest(rig: Rig) -> AsyncIterator[Ledger]:
    """Notify without the loops of a daemon: only the test writes to the ledger."""
    async with take_ledger(rig.ledger) as ledger, notifying(rig.config(), ledger, rig.environ):
        yield ledger


async def begin(ledger: Ledger, *numbers: int, event: str = "account.failing") -> None:
    at = time.time()
    begun = [
        alerts.begin(event, f"accounts.a{number}", "HTTP 500", at, remedy=REMEDY)
        for number in numbers
    ]
    await ledger.write(all_of(begun))


async def end(ledger: Ledger, number: int, event: str = "account.failing") -> None:
    await ledger.write(alerts.end(event, f"accounts.a{number}", time.time()))


def named(logs: list[EventDict], event: str) -> list[EventDict]:
    return [record for record in logs if record["event"] == event]


async def test_a_held_image_is_notified_with_its_hash_and_file(rig: Rig, hook: Hook) -> None:
    rig.toml = receiver(rig, hook, '["image.held"]')
    async with rig.running() as runtime, notifying(runtime.config, runtime.ledger, rig.environ):
        rig.write("sub/a.jpg", picture(1))
        await until(lambda: len(hook.events) == 1)
    (event,) = hook.events
    times = event.pop("timestamp")
    assert times.endswith("Z")
    assert event == {
        "on": "image.held",
        "event": "image.held",
        "what": "uploaded",
        "account": "main",
        "id": "1",
        "folder": "spring",
        "file": str(rig.folder / "sub/a.jpg"),
        "name": "a.jpg",
        "sha256": sha256(picture(1)).hexdigest(),
        "hash": rig.recorded(picture(1)),
        "why": None,
    }
    (request,) = hook.requests
    assert request.header("Content-Type") == ["application/json"]


async def test_a_file_that_is_not_a_picture_is_notified_as_rejected(rig: Rig, hook: Hook) -> None:
    rig.toml = receiver(rig, hook, '["image.rejected"]')
    async with rig.running() as runtime, notifying(runtime.config, runtime.ledger, rig.environ):
        rig.write("words.jpg", b"words, not a picture")
        await until(lambda: len(hook.events) == 1)
    (event,) = hook.events
    assert (event["name"], event["hash"]) == ("words.jpg", None)
    assert "picture" in event["why"] or "image" in event["why"], event["why"]


@pytest.mark.parametrize("mode", ["500 Failed", "close", "302 Found"])
async def test_a_receiver_that_fails_loses_nothing(rig: Rig, hook: Hook, mode: str) -> None:
    """The process ends before the next try, as a crash would end it: its successor continues."""
    rig.toml = receiver(rig, hook, '["image.held"]')
    hook.mode = mode
    pictures = [picture(number) for number in range(6)]
    with capture_logs() as logs:
        async with rig.running() as runtime, notifying(runtime.config, runtime.ledger, rig.environ):
            for number, content in enumerate(pictures):
                rig.write(f"{number}.jpg", content)
            await until(lambda: all(rig.recorded(one) is not None for one in pictures))
            await until(lambda: bool(named(logs, "notify.failing")))
        hook.mode = "200 OK"
        async with at_rest(rig):
            await until(lambda: len(hook.events) == len(pictures))
            await until(lambda: bool(named(logs, "notify.recovered")))
    assert {event["sha256"] for event in hook.events} == {
        sha256(one).hexdigest() for one in pictures
    }
    assert len(named(logs, "notify.failing")) == len(named(logs, "notify.recovered")) == 1
    assert named(logs, "notify.failing")[0]["receiver"] == "hook"


async def test_a_failed_notification_is_tried_again(rig: Rig, hook: Hook) -> None:
    rig.toml = receiver(rig, hook, '["alert"]')
    hook.mode = "503 Busy"
    async with at_rest(rig) as ledger:
        await begin(ledger, 1)
        await until(lambda: len(hook.requests) == 1)
        hook.mode = "204 No Content"
        await until(lambda: len(hook.named("alert")) == 1)


async def test_a_hanging_receiver_delays_neither_uploads_nor_a_stop(rig: Rig, hook: Hook) -> None:
    rig.toml = receiver(rig, hook, '["image.held"]')
    hook.mode = "hang"
    with capture_logs() as logs:
        async with rig.running() as runtime, notifying(runtime.config, runtime.ledger, rig.environ):
            rig.write("a.jpg", picture(1))
            await until(lambda: len(hook.requests) == 1)
            rig.write("b.jpg", picture(2))
            await until(lambda: rig.recorded(picture(2)) is not None)
    assert len(hook.requests) == 1
    assert named(logs, "notify.failing") == []  # its timeout had not passed when all had stopped


async def test_the_alerts_of_200_accounts_are_one_notification(rig: Rig, hook: Hook) -> None:
    rig.toml = receiver(rig, hook, '["alert"]')
    async with at_rest(rig) as ledger:
        await begin(ledger, *range(200))
        await until(lambda: len(hook.accepted) == 1)
    assert len(hook.events) == 200
    assert hook.events[0] | {"timestamp": ""} == {
        "on": "alert",
        "event": "account.failing",
        "timestamp": "",
        "subject": "accounts.a0",
        "accounts": [],
        "why": "HTTP 500",
        "remedy": REMEDY,
    }


async def test_a_restart_repeats_no_alert_and_reports_its_end(rig: Rig, hook: Hook) -> None:
    rig.toml = receiver(rig, hook, '["alert", "recovered"]')
    async with at_rest(rig) as ledger:
        await begin(ledger, 1)
        await until(lambda: len(hook.events) == 1)
    async with at_rest(rig) as ledger:
        await begin(ledger, 2)
        await until(lambda: len(hook.events) == 2)
        await end(ledger, 1)
        await until(lambda: len(hook.events) == 3)
    assert [(event["on"], event["subject"]) for event in hook.events] == [
        ("alert", "accounts.a1"),
        ("alert", "accounts.a2"),
        ("recovered", "accounts.a1"),
    ]
    assert hook.events[2]["duration"] >= 0


async def test_an_alert_that_ended_while_the_receiver_failed_is_not_notified(
    rig: Rig, hook: Hook
) -> None:
    rig.toml = receiver(rig, hook, '["alert", "recovered"]')
    hook.mode = "500 Failed"
    async with at_rest(rig) as ledger:
        await begin(ledger, 1)
        await until(lambda: len(hook.requests) == 1)
        await begin(ledger, 2)
        await end(ledger, 1)
    hook.mode = "200 OK"
    async with at_rest(rig):
        await until(lambda: len(hook.accepted) == 1)
    assert [event["subject"] for event in hook.events] == ["accounts.a2"]


async def test_what_happens_within_every_is_one_digest(rig: Rig, hook: Hook) -> None:
    rig.toml = receiver(rig, hook, '["alert", "recovered"]', every="2s")
    async with at_rest(rig) as ledger:
        await begin(ledger, 1)
        await until(lambda: len(hook.accepted) == 1)
        sent_at = time.monotonic()
        await begin(ledger, 2, 3)
        await end(ledger, 1)
        await until(lambda: len(hook.accepted) == 2)
        assert time.monotonic() - sent_at > 1.0  # a poll sooner it would not be a digest
    assert len(hook.events) == 4


async def test_the_expiry_of_a_token_has_a_topic_of_its_own(rig: Rig, hook: Hook) -> None:
    rig.toml = receiver(rig, hook, '["token.expiring"]')
    async with at_rest(rig) as ledger:
        await begin(ledger, 1)
        await begin(ledger, 2, event="token.expiring")
        await until(lambda: len(hook.events) == 1)
        await begin(ledger, 3, event="token.expiring")
        await until(lambda: len(hook.events) == 2)
    assert {event["on"] for event in hook.events} == {"token.expiring"}
    assert [event["subject"] for event in hook.events] == ["accounts.a2", "accounts.a3"]


async def test_a_reload_adds_and_removes_receivers(rig: Rig, hook: Hook) -> None:
    """A reload ends the notifications of one configuration and begins those of the next one."""
    async with hooking() as other:
        rig.toml = receiver(rig, hook, '["alert"]', name="a")
        async with at_rest(rig) as ledger:
            await begin(ledger, 1)
            await until(lambda: len(hook.events) == 1)
        rig.toml = receiver(rig, other, '["alert"]', name="b")
        async with at_rest(rig) as ledger:
            await begin(ledger, 2)
            await until(lambda: len(other.events) == 2)  # a new one learns what is still true
        assert len(hook.events) == 1
        assert len(rig.rows("SELECT code FROM receiver")) == 1


async def test_a_receiver_that_was_away_for_too_long_is_reported_and_gets_the_rest(
    rig: Rig, hook: Hook
) -> None:
    rig.toml = receiver(rig, hook, '["image.held"]')
    hook.mode = "500 Failed"
    with capture_logs() as logs:
        async with rig.running() as runtime, notifying(runtime.config, runtime.ledger, rig.environ):
            for number in range(3):
                rig.write(f"{number}.jpg", picture(number))
                await wait_until_held(rig, picture(number))
        hook.mode = "200 OK"
        rows = rig.rows("SELECT id FROM history WHERE what = 'uploaded' ORDER BY id")
        async with take_ledger(rig.ledger) as ledger:
            (last,) = rows[-1]
            await ledger.write(Write(lambda db: db.execute(DELETE_BEFORE, (last,)).rowcount))
            async with notifying(rig.config(), ledger, rig.environ):
                await until(lambda: len(hook.events) == 1)
    assert [record["receiver"] for record in named(logs, "notify.incomplete")] == ["hook"]
    assert named(logs, "notify.incomplete")[0]["rows"] > 0


async def test_a_backfill_notifies_of_its_end_after_all_of_its_images(rig: Rig, hook: Hook) -> None:
    rig.toml = receiver(rig, hook, '["image.held", "backfill.done"]', every="1h")
    for number in range(120):
        rig.write(f"{number}.jpg", picture(number))
    result = await rig.backfill()
    assert result.in_sync
    assert len(hook.named("image.held")) == 120
    assert [event["on"] for event in hook.events][-1] == "backfill.done"
    (done,) = hook.named("backfill.done")
    assert (done["account"], done["held"], done["missing"], done["sync"]) == (
        "main",
        120,
        0,
        "in_sync",
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of modules that apprise imports
async def test_a_service_gets_one_text_about_all_images(rig: Rig, hook: Hook) -> None:
    service = f"json{hook.url.removeprefix('http')}"
    rig.toml = receiver(rig, hook, '["image.held"]', every="1h")
    (rig.path / "hook.url").write_text(service)
    for number in range(120):
        rig.write(f"{number}.jpg", picture(number))
    async with take_ledger(rig.ledger) as ledger, notifying(rig.config(), ledger, rig.environ):
        pass  # the receiver is known from now on
    await rig.backfill()
    message = "\n".join(json.loads(body)["message"] for body in hook.bodies)
    listed = message.count(" holds ")
    more = sum(int(number) for number in re.findall(r"and (\d+) more", message))
    assert listed + more == 120
    assert len(hook.bodies) <= 2  # the first one can be sent before all images are held
    assert max(body.count(" holds ") for body in hook.bodies) <= 20


async def test_the_end_of_a_backfill_is_tried_again_for_a_limited_time(
    rig: Rig, hook: Hook
) -> None:
    rig.write("a.jpg", picture(1))
    result = await rig.backfill()
    rig.toml = receiver(rig, hook, '["image.held", "backfill.done"]')
    hook.mode = "500 Failed"
    async with take_ledger(rig.ledger) as ledger:
        notifications = Notifications(rig.config(), ledger, rig.environ)
        await notifications.register()
        await notifications.finish(result, limit=0.1)
        assert len(hook.requests) == 1
        finishing = asyncio.create_task(notifications.finish(result))
        await until(lambda: len(hook.requests) == 2)
        hook.mode = "200 OK"
        await finishing
    assert [event["on"] for event in hook.events] == ["backfill.done"]


async def test_a_backfill_logs_who_has_not_accepted_its_end_in_time(rig: Rig, hook: Hook) -> None:
    result = await rig.backfill()
    rig.toml = receiver(rig, hook, '["backfill.done"]')
    rig.toml += f'[ping]\nurl = {{ file = "{rig.path}/hook.url" }}\n'
    hook.mode = "hang"
    async with take_ledger(rig.ledger) as ledger:
        notifications = Notifications(rig.config(), ledger, rig.environ)
        await notifications.register()
        with capture_logs() as logs:
            await notifications.finish(result, limit=0.2)
    for event in ("notify.failing", "ping.failing"):
        assert [record["why"] for record in named(logs, event)] == [
            "it had not accepted the last message 0.2 s after the backfill ended"
        ]


async def test_the_begin_and_the_end_of_alerts_are_pinged_at_once(rig: Rig, hook: Hook) -> None:
    (rig.path / "ping").write_text(f"{hook.url}\n")
    rig.toml = f'[ping]\nurl = {{ file = "{rig.path}/ping" }}\nevery = "1h"\n'
    path = hook.url.removeprefix(hook.server.url)
    async with at_rest(rig) as ledger:
        await until(lambda: len(hook.accepted) == 1)
        await begin(ledger, 1)
        await until(lambda: len(hook.accepted) == 2)
        await end(ledger, 1)
        await until(lambda: len(hook.accepted) == 3)
    assert hook.paths == [path, path.replace("?", "/fail?"), path]
    assert "nothing needs you" in hook.bodies[0]
    assert f"account.failing accounts.a1: HTTP 500. {REMEDY}" in hook.bodies[1]


async def test_a_ping_that_fails_is_logged_once_until_it_is_accepted(rig: Rig, hook: Hook) -> None:
    (rig.path / "ping").write_text(f"{hook.url}\n")
    rig.toml = f'[ping]\nurl = {{ file = "{rig.path}/ping" }}\nevery = "1s"\n'
    hook.mode = "404 Not Found"
    with capture_logs() as logs:
        async with at_rest(rig):
            await until(lambda: len(hook.requests) >= 2)
            hook.mode = "200 OK"
            await until(lambda: bool(named(logs, "ping.recovered")))
            await until(lambda: len(hook.accepted) >= 3)  # one every second
    assert [record["why"] for record in named(logs, "ping.failing")] == [
        "the server responded with HTTP 404"
    ]


@pytest.mark.parametrize("fault", ["", "words", "190"])
async def test_pings_report_the_begin_and_the_end_of_a_backfill(
    rig: Rig, hook: Hook, fault: str
) -> None:
    (rig.path / "ping").write_text(f"{hook.url}\n")
    rig.toml = f'[ping]\nurl = {{ file = "{rig.path}/ping" }}\n'
    rig.write("a.jpg", picture(1))
    if fault == "190":
        rig.sandbox.faults.add(Fault("190", on="upload"))
    elif fault:
        rig.write("words.jpg", b"words")
    await rig.backfill()
    path = hook.url.removeprefix(hook.server.url)
    last = path.replace("?", "/fail?") if fault == "190" else path
    await until(lambda: len(hook.paths) == 2)
    assert hook.paths == [path.replace("?", "/start?"), last]
    assert "main: " in hook.bodies[1]


async def test_a_configuration_without_receivers_runs_nothing(rig: Rig) -> None:
    async with take_ledger(rig.ledger) as ledger:
        await asyncio.wait_for(Notifications(rig.config(), ledger, {}).run(backfill=False), 5)
