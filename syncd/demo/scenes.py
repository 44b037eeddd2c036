"""The scenes: what is changed, what syncd promises of it, and what came of it."""

from __future__ import annotations

import contextlib
import signal
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator

from syncd.demo.children import child
from syncd.demo.journal import heard
from syncd.demo.pictures import picture
from syncd.demo.stage import EU, MAIN, PICTURES, THROTTLE, DemoFailed, Stage
from syncd.ledger import accounts, queries
from syncd.ledger.database import reading
from syncd.sandbox.faults import Fault

_A_POST_TAKES = 0.35  # seconds, for the bar's sake
_BOTH = {MAIN, EU}


async def backfill(stage: Stage) -> None:
    stage.say(
        f"{PICTURES} pictures lie in two folders: spring goes to the account main, summer to main"
        " and, as its mirror, to eu."
    )
    if stage.console.is_terminal:
        stage.sandbox.faults.add(Fault("slow", on="upload", seconds=_A_POST_TAKES))
    async with child(*stage.command("backfill")) as process:
        code = await process.wait()
    stage.sandbox.faults.clear()
    if code != 0:
        raise DemoFailed(
            f"everything is in step after the backfill: it ended with exit code {code}"
        )
    images = stage.sandbox.counts.images()
    slowed = f" Each was made to take {_A_POST_TAKES} s." if stage.console.is_terminal else ""
    stage.tell(f"{stage.calls} for {images} images: 5 to a POST here, 25 by default.{slowed}")


@contextlib.asynccontextmanager
async def daemon(stage: Stage) -> AsyncIterator[Process]:
    """Run the daemon; when the block begins, its folders are watched and scanned."""
    stage.say("The daemon starts, and looks whether anything has changed: no.")
    began = time.time()
    async with heard(stage.journal, as_terminal=stage.console.is_terminal) as log:
        arguments = stage.command("run")
        async with child(*arguments, stderr=log) as process:
            stage.alive = lambda: process.returncode is None
            await stage.until("the daemon watches both folders", lambda: _watching(stage, began))
            stage.tell(f"{stage.calls}.")
            yield process


def _watching(stage: Stage, began: float) -> bool:
    with reading(stage.root / "ledger.db") as db:
        scanned = [folder.scanned_at or 0.0 for folder in queries.folder_states()(db)]
    return min(scanned) > began and all(
        stage.journal.said("scan.done", f"folder={folder}") for folder in ("spring", "summer")
    )


async def a_new_picture(stage: Stage) -> None:
    stage.say("A new picture is saved into summer: both accounts get it.")
    (stage.root / "summer/beacon.png").write_bytes(picture("beacon.png"))
    await stage.until(
        "a new picture reaches both accounts",
        lambda: (
            stage.holders("summer/beacon.png") == _BOTH and _held(stage, "beacon.png", "main", "eu")
        ),
    )
    copied = stage.journal.said("image.copied", "account=eu ", "/beacon.png ")
    how = "; eu copied it out of main, which takes no bytes" if copied else ""
    stage.tell(f"{stage.calls}, one to each account{how}.")


async def a_rename(stage: Stage) -> None:
    stage.say("It is renamed: the same bytes, so there is nothing to send.")
    (stage.root / "summer/beacon.png").rename(stage.root / "summer/beacon-final.png")
    await stage.until(
        "the renamed picture is known by its new name alone",
        lambda: (
            stage.holders("summer/beacon-final.png") == _BOTH
            and not stage.holders("summer/beacon.png")
        ),
    )
    stage.tell(f"{stage.calls}; the ledger knows it by its new name.")


async def a_duplicate(stage: Stage) -> None:
    stage.say("Somebody copies it into spring: main has these bytes already.")
    content = (stage.root / "summer/beacon-final.png").read_bytes()
    (stage.root / "spring/beacon-copy.png").write_bytes(content)
    await stage.until(
        "a duplicate is known without being sent",
        lambda: stage.holders("spring/beacon-copy.png") == {MAIN},
    )
    stage.tell(f"{stage.calls}; two files, one image.")


async def a_broken_one(stage: Stage) -> None:
    stage.say("A download breaks off half-way: that is found out before it costs a call.")
    content = picture("download.png")
    (stage.root / "spring/download.png").write_bytes(content[: len(content) // 2])
    await stage.until(
        "a broken picture is rejected with its reason",
        lambda: (
            any(row.rejected and row.path == b"download.png" for row in stage.known())
            and stage.journal.said("file.rejected", "/download.png")
        ),
    )
    stage.tell(f"{stage.calls}; the reason stays in the ledger.")


async def a_throttle(stage: Stage) -> None:
    stage.say(
        f"The API throttles main for {THROTTLE:.0f} s (error 17) while pictures come in:"
        " main pauses for as long as it was told, eu goes on."
    )
    before = stage.sandbox.counts.while_blocked()
    stage.sandbox.faults.add(Fault("17", account=MAIN, on="upload", times=1, seconds=THROTTLE))
    files = [f"wave-{number}.png" for number in range(1, 5)]
    for file in files[:1]:
        (stage.root / "summer" / file).write_bytes(picture(file))
    await stage.until(
        "a throttled account pauses",
        lambda: _paused(stage) and stage.journal.said("account.paused", "account=main"),
    )
    for file in files[1:]:
        (stage.root / "summer" / file).write_bytes(picture(file))
    await stage.until(
        "one account's throttle holds back no other",
        lambda: all(EU in stage.holders(f"summer/{f}") and _held(stage, f, "eu") for f in files),
    )
    await stage.until(
        "a paused account goes on by itself",
        lambda: all(
            stage.holders(f"summer/{f}") == _BOTH and _held(stage, f, "main") for f in files
        ),
    )
    blocked = stage.sandbox.counts.while_blocked() - before
    stage.tell(f"{stage.calls}, one of them refused, {blocked} while it was blocked.")


async def the_end(stage: Stage, process: Process) -> None:
    stage.say("SIGTERM: calls under way end, the ledger is closed, and that was it.")
    stage.alive = lambda: True
    process.send_signal(signal.SIGTERM)
    await stage.until(
        "the daemon ends on SIGTERM",
        lambda: process.returncode is not None and stage.journal.said("daemon.stopped"),
    )
    if process.returncode != 0:
        raise DemoFailed(f"the daemon ends on SIGTERM: with exit code {process.returncode}")


LIVE = (a_new_picture, a_rename, a_duplicate, a_broken_one, a_throttle)


def _held(stage: Stage, file: str, *names: str) -> bool:
    return all(_said(stage, file, name) for name in names)


def _said(stage: Stage, file: str, name: str) -> bool:
    return any(
        stage.journal.said(event, f"account={name} ", f"/{file} ")
        for event in ("image.held", "image.copied")
    )


def _paused(stage: Stage) -> bool:
    with reading(stage.root / "ledger.db") as db:
        return MAIN in accounts.pauses()(db)
