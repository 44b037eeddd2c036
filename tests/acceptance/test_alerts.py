"""Alerts: `syncd status` shows every event that is logged as an error until it has ended."""

import json
import signal
import sqlite3
import textwrap
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from support.pictures import picture
from support.privileges import without_privileges, without_watches
from support.process import Daemon, running, syncd
from support.rig import Rig, until

from syncd.logs.catalogue import CATALOGUE
from syncd.sandbox.faults import Fault

ERRORS = {event.name: event for event in CATALOGUE if "error" in event.levels}

WITHOUT_ALERT = {
    "daemon.failed": "the process exits, and logs it again at each start",
    "library.message": "probably a bug; it has no end that could be detected",
    "watchdog.stuck": "test_hanging covers folders; a stuck ledger or loop cannot be recorded,"
    " and systemd restarts the process",
}

MANY = 30

COMMANDS_CONFIG = "commands.toml"
"""A copy of the configuration for commands, because that of the daemon may be wrong."""


def do_nothing(_rig: Rig) -> None:
    pass


def no_prefix() -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class Scene:
    """The cause of an error, its subject, and what ends it.

    `before` runs before the daemon starts, `meanwhile` while it runs, and `resolve` ends the error:
    while the daemon runs or, with `restart`, between its exit and its next start.
    """

    resolve: Callable[[Rig], object]
    before: Callable[[Rig], object] = do_nothing
    meanwhile: Callable[[Rig], object] = do_nothing
    reload: bool = False
    after_backfill: Callable[[Rig], object] | None = None
    command: tuple[str, ...] = ()  # ends the error
    under: Callable[[], tuple[str, ...]] = no_prefix
    restart: bool = False
    subject: str = "folders.spring"


def _fault(name: str) -> Callable[[Rig], object]:
    def before(rig: Rig) -> None:
        rig.write("a.jpg", picture(1))
        rig.sandbox.faults.add(Fault(name, times=1, on="upload"))

    return before


def _fail_for_an_hour(rig: Rig) -> None:
    rig.sandbox.faults.add(Fault("302", on="upload"))
    rig.write("a.jpg", picture(1))
    with closing(sqlite3.connect(rig.ledger)) as db, db:
        db.execute(
            "INSERT INTO alert (event, subject, part, since, why)"
            " VALUES ('account.failing', 'accounts.main', '', unixepoch() - 3600, 'HTTP 302')"
        )


def _switch(**switches: Any) -> Callable[[Rig], object]:
    def switch(rig: Rig) -> None:
        rig.sandbox.switches = replace(rig.sandbox.switches, **switches)

    return switch


def _clear_faults(rig: Rig) -> None:
    rig.sandbox.faults.clear()


def _end_pause(rig: Rig) -> None:
    with closing(sqlite3.connect(rig.ledger)) as db, db:
        db.execute("UPDATE pause SET until = since")


def _break_config(rig: Rig) -> None:
    file = rig.write_config()
    file.write_text(file.read_text().replace("settle", "setle"))


def _fix_config(rig: Rig) -> None:
    rig.write_config()


def _write_images(rig: Rig) -> None:
    rig.per_folder = 'deletions = "propagate"'
    rig.toml = '[deletions]\ngrace = "0s"\n'
    for i in range(MANY):
        rig.write(f"{i}.jpg", picture(i))


def _unlink(first: int) -> Callable[[Rig], object]:
    def unlink(rig: Rig) -> None:
        for i in range(first, MANY):
            (rig.folder / f"{i}.jpg").unlink()

    return unlink


def _remove_all(rig: Rig) -> None:
    rig.toml = '[audit]\nevery = "1s"\n'
    for image in rig.sandbox.library.images("1"):
        rig.sandbox.library.remove("1", image.hash)


def _deny(name: str) -> Callable[[Rig], object]:
    def deny(rig: Rig) -> None:
        rig.write("sub/a.jpg", picture(1))
        (rig.folder / name).chmod(0)

    return deny


def _allow(name: str, mode: int) -> Callable[[Rig], object]:
    return lambda rig: (rig.folder / name).chmod(mode)


def _not_utf8(rig: Rig) -> Path:
    path = rig.folder / b"\xff".decode("utf-8", "surrogateescape")
    path.mkdir(exist_ok=True)
    return path


SCENES = {
    "account.failing": Scene(
        _clear_faults,
        after_backfill=_fail_for_an_hour,
        command=("retry",),
        subject="accounts.main",
    ),
    "account.paused": Scene(
        _end_pause, before=_fault("368"), restart=True, subject="accounts.main"
    ),
    "account.stopped": Scene(
        do_nothing, before=_fault("190"), command=("retry",), subject="accounts.main"
    ),
    "audit.suspect": Scene(
        do_nothing,
        before=_write_images,
        after_backfill=_remove_all,
        command=("audit", "--accept", "main"),
        subject="accounts.main",
    ),
    "config.refused": Scene(_fix_config, meanwhile=_break_config, reload=True, subject="config"),
    "deletions.held": Scene(
        do_nothing,
        before=_write_images,
        after_backfill=_unlink(2),
        command=("deletions", "dismiss", "spring"),
    ),
    "directory.unreadable": Scene(
        _allow("sub", 0o755), before=_deny("sub"), under=without_privileges
    ),
    "file.unreadable": Scene(
        _allow("sub/a.jpg", 0o644), before=_deny("sub/a.jpg"), under=without_privileges
    ),
    "folder.suspect": Scene(_write_images, before=_write_images, after_backfill=_unlink(0)),
    "token.expiring": Scene(
        _switch(token_lifetime=0.0),
        before=_switch(token_lifetime=6 * 86400.0),
        restart=True,
        subject="accounts.main",
    ),
    "token.limited": Scene(
        _switch(token_scopes="ads_read,ads_management"),
        before=_switch(token_scopes="ads_read"),
        restart=True,
        subject="accounts.main",
    ),
    "watch.degraded": Scene(lambda rig: _not_utf8(rig).rmdir(), before=_not_utf8, restart=True),
    "watch.limit": Scene(do_nothing, under=without_watches, restart=True),
}  # fmt: skip


async def alerts(rig: Rig) -> list[dict[str, Any]]:
    ended = await syncd(rig, "status", "--json", "--config", str(rig.path / COMMANDS_CONFIG))
    found: list[dict[str, Any]] = json.loads(ended.out)["needs_you"]
    return found


async def wait_until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition that takes a command to evaluate."""
    for _ in range(30):
        if await condition():
            return
    pytest.fail("the condition did not become true")


def test_every_error_event_has_a_scene_or_a_reason() -> None:
    assert set(SCENES) | set(WITHOUT_ALERT) == set(ERRORS)


@pytest.mark.parametrize("name", sorted(SCENES))
async def test_an_error_stays_in_status_until_it_has_ended(rig: Rig, name: str) -> None:
    scene, event = SCENES[name], ERRORS[name]
    rig.watch = 'rescan = "1s"'
    scene.before(rig)
    (rig.path / COMMANDS_CONFIG).write_text(rig.write_config().read_text())
    if scene.after_backfill is not None:
        await rig.backfill()
        scene.after_backfill(rig)
    async with running(rig, under=scene.under()) as daemon:
        await until(lambda: daemon.logged("daemon.started"))
        scene.meanwhile(rig)
        if scene.reload:
            daemon.process.send_signal(signal.SIGHUP)
        await until(lambda: daemon.logged("level=error", f"event={name} ", "remedy="))
        (alert,) = await alerts(rig)
        assert (alert["event"], alert["subject"]) == (name, scene.subject)
        assert daemon.logged(f"event={name} ", escape(alert["remedy"]))
        assert daemon.count(f"event={name} ") == 1
        assert scene.subject in await status(rig, alert)
        if scene.restart:
            assert await daemon.end() == 0
            scene.resolve(rig)
        else:
            await resolve(rig, daemon, scene, event.ended_by)
    if scene.restart:
        async with running(rig) as daemon:
            await resolve(rig, daemon, scene, event.ended_by)
    assert "needs you" not in await status(rig, None)


async def resolve(rig: Rig, daemon: Daemon, scene: Scene, ended_by: tuple[str, ...]) -> None:
    """End the error, and wait until the log and status show the end."""
    if not scene.restart:
        scene.resolve(rig)
    if scene.command:
        words = (*scene.command, "--config", str(rig.path / COMMANDS_CONFIG))
        assert (await syncd(rig, *words)).code == 0
    if scene.reload:
        daemon.process.send_signal(signal.SIGHUP)
    await until(
        lambda: any(daemon.logged("level=notice", f"event={end}", "duration=") for end in ended_by)
    )

    async def has_ended() -> bool:
        return await alerts(rig) == []

    await wait_until(has_ended)


def escape(text: str) -> str:
    """Return the text as logfmt writes it."""
    return text.replace('"', '\\"')


async def status(rig: Rig, alert: dict[str, Any] | None) -> str:
    """Return the output of `syncd status`, and check the alert at its beginning."""
    out = (await syncd(rig, "status", "--config", str(rig.path / COMMANDS_CONFIG))).out
    if alert is not None:
        first, _, rest = out.partition("\naccount ")
        running, found, needs = " ".join(first.split()).partition("needs you: ")
        assert running.startswith(("syncd is running since ", "syncd is not running"))
        words = found + needs
        assert words.startswith(f"needs you: {alert['subject']}: {' '.join(alert['why'].split())}")
        assert f"({alert['event']}, since " in words
        assert f"do: {alert['remedy']}" in words
        assert rest
        assert max(map(len, textwrap.dedent(first).splitlines())) <= 120
    return out
