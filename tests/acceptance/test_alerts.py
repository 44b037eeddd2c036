"""What the log says as an error stays in `syncd status` until it is over: each event of it."""

import json
import signal
import sqlite3
import textwrap
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.pictures import picture
from support.privileges import without_powers, without_watches
from support.process import Daemon, running, syncd
from support.rig import Rig, until

from syncd.logs.catalogue import CATALOGUE
from syncd.sandbox.faults import Fault

ERRORS = {event.name: event for event in CATALOGUE if "error" in event.levels}

IN_NO_LEDGER = {
    "daemon.failed": "the process has ended, and says so again at each start",
    "library.message": "a bug, most likely: it begins no state",
    "watchdog.stuck": "of a folder test_hanging shows it; the ledger itself, or the loop, keeps no"
    " note, and the process is about to be restarted",
}

MANY = 30

ASKED = "asked.toml"
"""A copy of the configuration, for commands: the daemon's own may be wrong."""


def nothing(_rig: Rig) -> None:
    """It takes no more than the daemon's start."""


def nobody() -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class Scene:
    """How an error comes about, what it is about, and how it ends.

    `before` the daemon starts, while it runs, and `over`, beside it; with `anew` it has ended by
    then, and starts again.
    """

    over: Callable[[Rig], object]
    before: Callable[[Rig], object] = nothing
    meanwhile: Callable[[Rig], object] = nothing
    hang_up: bool = False
    after_backfill: Callable[[Rig], object] | None = None
    command: tuple[str, ...] = ()  # that ends it
    under: Callable[[], tuple[str, ...]] = nobody
    anew: bool = False
    subject: str = "folders.spring"


def _fault(name: str) -> Callable[[Rig], object]:
    def before(rig: Rig) -> None:
        rig.write("a.jpg", picture(1))
        rig.sandbox.faults.add(Fault(name, times=1, on="upload"))

    return before


def _time_goes_by(rig: Rig) -> None:
    with closing(sqlite3.connect(rig.ledger)) as db, db:
        db.execute("UPDATE pause SET until = since")


def _mistake(rig: Rig) -> None:
    file = rig.write_config()
    file.write_text(file.read_text().replace("settle", "setle"))


def _mended(rig: Rig) -> None:
    rig.write_config()


def _library(rig: Rig) -> None:
    rig.per_folder = 'deletions = "propagate"'
    rig.toml = '[deletions]\ngrace = "0s"\n'
    for i in range(MANY):
        rig.write(f"{i}.jpg", picture(i))


def _unlink(first: int) -> Callable[[Rig], object]:
    def unlink(rig: Rig) -> None:
        for i in range(first, MANY):
            (rig.folder / f"{i}.jpg").unlink()

    return unlink


def _closed(name: str) -> Callable[[Rig], object]:
    def close(rig: Rig) -> None:
        rig.write("sub/a.jpg", picture(1))
        (rig.folder / name).chmod(0)

    return close


def _opened(name: str, mode: int) -> Callable[[Rig], object]:
    return lambda rig: (rig.folder / name).chmod(mode)


def _no_utf8(rig: Rig) -> Path:
    path = rig.folder / b"\xff".decode("utf-8", "surrogateescape")
    path.mkdir(exist_ok=True)
    return path


SCENES = {
    "account.paused": Scene(
        _time_goes_by, before=_fault("368"), anew=True, subject="accounts.main"
    ),
    "account.stopped": Scene(
        nothing, before=_fault("190"), command=("retry",), subject="accounts.main"
    ),
    "config.refused": Scene(_mended, meanwhile=_mistake, hang_up=True, subject="config"),
    "deletions.held": Scene(
        nothing,
        before=_library,
        after_backfill=_unlink(2),
        command=("deletions", "dismiss", "spring"),
    ),
    "directory.unreadable": Scene(
        _opened("sub", 0o755), before=_closed("sub"), under=without_powers
    ),
    "file.unreadable": Scene(
        _opened("sub/a.jpg", 0o644), before=_closed("sub/a.jpg"), under=without_powers
    ),
    "folder.suspect": Scene(_library, before=_library, after_backfill=_unlink(0)),
    "watch.degraded": Scene(lambda rig: _no_utf8(rig).rmdir(), before=_no_utf8, anew=True),
    "watch.limit": Scene(nothing, under=without_watches, anew=True),
}  # fmt: skip


async def needs(rig: Rig) -> list[dict[str, Any]]:
    ended = await syncd(rig, "status", "--json", "--config", str(rig.path / ASKED))
    found: list[dict[str, Any]] = json.loads(ended.out)["needs_you"]
    return found


async def until_it_is(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what a command has to be asked for."""
    for _ in range(30):
        if await condition():
            return
    pytest.fail("it did not come true")


def test_every_error_has_its_scene() -> None:
    assert set(SCENES) | set(IN_NO_LEDGER) == set(ERRORS)


@pytest.mark.parametrize("name", sorted(SCENES))
async def test_an_error_stays_in_status_until_it_is_over(rig: Rig, name: str) -> None:
    scene, event = SCENES[name], ERRORS[name]
    rig.watch = 'rescan = "1s"'
    scene.before(rig)
    (rig.path / ASKED).write_text(rig.write_config().read_text())
    if scene.after_backfill is not None:
        await rig.backfill()
        scene.after_backfill(rig)
    async with running(rig, under=scene.under()) as daemon:
        await until(lambda: daemon.said("daemon.started"))
        scene.meanwhile(rig)
        if scene.hang_up:
            daemon.process.send_signal(signal.SIGHUP)
        await until(lambda: daemon.said("level=error", f"event={name} ", "remedy="))
        (need,) = await needs(rig)
        assert (need["event"], need["subject"]) == (name, scene.subject)
        assert daemon.said(f"event={name} ", shown(need["remedy"]))
        assert daemon.count(f"event={name} ") == 1
        assert scene.subject in await status(rig, need)
        if scene.anew:
            assert await daemon.end() == 0
            scene.over(rig)
        else:
            await ends(rig, daemon, scene, event.ended_by)
    if scene.anew:
        async with running(rig) as daemon:
            await ends(rig, daemon, scene, event.ended_by)
    assert "needs you" not in await status(rig, None)


async def ends(rig: Rig, daemon: Daemon, scene: Scene, ended_by: tuple[str, ...]) -> None:
    """See the end of it: in the log, and in status."""
    if not scene.anew:
        scene.over(rig)
    if scene.command:
        words = (*scene.command, "--config", str(rig.path / ASKED))
        assert (await syncd(rig, *words)).code == 0
    if scene.hang_up:
        daemon.process.send_signal(signal.SIGHUP)
    await until(
        lambda: any(daemon.said("level=notice", f"event={end}", "duration=") for end in ended_by)
    )

    async def over() -> bool:
        return await needs(rig) == []

    await until_it_is(over)


def shown(text: str) -> str:
    """Return a text as logfmt has it."""
    return text.replace('"', '\\"')


async def status(rig: Rig, need: dict[str, Any] | None) -> str:
    """Return what a person sees, which begins with what is needed."""
    out = (await syncd(rig, "status", "--config", str(rig.path / ASKED))).out
    if need is not None:
        asked, _, rest = out.partition("\naccount ")
        words = " ".join(asked.split())
        assert words.startswith(f"needs you: {need['subject']}: {' '.join(need['why'].split())}")
        assert f"({need['event']}, since " in words
        assert f"do: {need['remedy']}" in words
        assert rest
        assert max(map(len, textwrap.dedent(asked).splitlines())) <= 120
    return out
