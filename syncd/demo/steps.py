"""The steps of the demo: each changes something, waits for the expected result and reports it."""

from __future__ import annotations

import contextlib
import signal
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator

from syncd.demo.daemon_log import collected
from syncd.demo.pictures import picture
from syncd.demo.processes import syncd
from syncd.demo.workspace import EU, MAIN, PICTURES, THROTTLE, DemoFailed, Workspace
from syncd.ledger import accounts, queries
from syncd.ledger.file import reading
from syncd.sandbox.faults import Fault

_SECONDS_PER_POST = 0.35  # slow enough to see the progress bar move
_BOTH = {MAIN, EU}


async def backfill(workspace: Workspace) -> None:
    """Run `syncd backfill` on all pictures."""
    workspace.announce(
        f"Two folders have {PICTURES} pictures. spring goes to the account main, summer to main and"
        " its mirror eu."
    )
    if workspace.console.is_terminal:
        workspace.sandbox.faults.add(Fault("slow", on="upload", seconds=_SECONDS_PER_POST))
    async with syncd(*workspace.command("backfill")) as process:
        code = await process.wait()
    workspace.sandbox.faults.clear()
    if code != 0:
        raise DemoFailed(f"the backfill ended with exit code {code}")
    images = workspace.sandbox.counts.images()
    slowed = (
        f" Each POST was slowed down to {_SECONDS_PER_POST} s."
        if workspace.console.is_terminal
        else ""
    )
    workspace.report(
        f"{workspace.calls} for {images} images: 5 per POST here, 25 by default.{slowed}"
    )


@contextlib.asynccontextmanager
async def daemon(workspace: Workspace) -> AsyncIterator[Process]:
    """Run the daemon; its folders are watched and scanned when the block begins."""
    workspace.announce("The daemon starts and scans both folders: nothing has changed.")
    began = time.time()
    as_terminal = workspace.console.is_terminal
    async with collected(workspace.log, as_terminal=as_terminal) as log:
        arguments = workspace.command("run")
        async with syncd(*arguments, stderr=log) as process:
            workspace.is_running = lambda: process.returncode is None
            await workspace.until(
                "the daemon watches both folders", lambda: _is_watching(workspace, began)
            )
            workspace.report(f"{workspace.calls}.")
            yield process


@contextlib.asynccontextmanager
async def pages(workspace: Workspace) -> AsyncIterator[None]:
    """Serve the library within the block; the command prints its address."""
    async with syncd(*workspace.command("web"), "--listen", "127.0.0.1:0"):
        yield


def _is_watching(workspace: Workspace, began: float) -> bool:
    with reading(workspace.root / "ledger.db") as db:
        scanned = [folder.scanned_at or 0.0 for folder in queries.folder_states()(db)]
    return min(scanned) > began and all(
        workspace.log.has("scan.done", f"folder={folder}") for folder in ("spring", "summer")
    )


async def add_picture(workspace: Workspace) -> None:
    """Save a new picture in a folder with a mirror."""
    workspace.announce("A new picture is saved in summer: both accounts get it.")
    (workspace.root / "summer/beacon.png").write_bytes(picture("beacon.png"))
    await workspace.until(
        "both accounts hold the new picture",
        lambda: (
            workspace.holders("summer/beacon.png") == _BOTH
            and _is_logged(workspace, "beacon.png", "main", "eu")
        ),
    )
    copied = workspace.log.has("image.copied", "account=eu ", "/beacon.png ")
    how = "; eu copied it from main, without an upload" if copied else ""
    workspace.report(f"{workspace.calls}, one to each account{how}.")


async def rename_picture(workspace: Workspace) -> None:
    """Rename a picture."""
    workspace.announce("It is renamed: the content is the same, so nothing is sent.")
    (workspace.root / "summer/beacon.png").rename(workspace.root / "summer/beacon-final.png")
    await workspace.until(
        "the ledger has the picture under its new name only",
        lambda: (
            workspace.holders("summer/beacon-final.png") == _BOTH
            and not workspace.holders("summer/beacon.png")
            and workspace.log.has("file.known", "/beacon-final.png ")
        ),
    )
    workspace.report(f"{workspace.calls}; the ledger has its new name.")


async def duplicate_picture(workspace: Workspace) -> None:
    """Copy a picture to another folder of the same account."""
    workspace.announce("It is copied to spring: main already holds this image.")
    content = (workspace.root / "summer/beacon-final.png").read_bytes()
    (workspace.root / "spring/beacon-copy.png").write_bytes(content)
    await workspace.until(
        "the ledger has the duplicate",
        lambda: (
            workspace.holders("spring/beacon-copy.png") == {MAIN}
            and workspace.log.has("file.known", "/beacon-copy.png ")
        ),
    )
    workspace.report(f"{workspace.calls}; two files, one image.")


async def truncate_picture(workspace: Workspace) -> None:
    """Save the first half of a picture."""
    workspace.announce("A download is truncated: syncd notices before it makes a call.")
    content = picture("download.png")
    (workspace.root / "spring/download.png").write_bytes(content[: len(content) // 2])
    await workspace.until(
        "the truncated picture is rejected",
        lambda: (
            any(row.rejected and row.path == b"download.png" for row in workspace.standings())
            and workspace.log.has("file.rejected", "/download.png")
        ),
    )
    workspace.report(f"{workspace.calls}; the ledger has the reason.")


async def throttle(workspace: Workspace) -> None:
    """Throttle one account while pictures are added."""
    workspace.announce(
        f"The API throttles main for {THROTTLE:.0f} s (error 17) while pictures are added: main"
        " pauses for that time, eu continues."
    )
    before = workspace.sandbox.counts.while_blocked()
    workspace.sandbox.faults.add(Fault("17", account=MAIN, on="upload", times=1, seconds=THROTTLE))
    files = [f"wave-{number}.png" for number in range(1, 5)]
    for file in files[:1]:
        (workspace.root / "summer" / file).write_bytes(picture(file))
    await workspace.until(
        "the throttled account is paused",
        lambda: _is_paused(workspace) and workspace.log.has("account.paused", "account=main"),
    )
    for file in files[1:]:
        (workspace.root / "summer" / file).write_bytes(picture(file))
    await workspace.until(
        "the other account holds the new pictures",
        lambda: all(
            EU in workspace.holders(f"summer/{file}") and _is_logged(workspace, file, "eu")
            for file in files
        ),
    )
    await workspace.until(
        "the paused account has resumed and holds the new pictures",
        lambda: all(
            workspace.holders(f"summer/{file}") == _BOTH and _is_logged(workspace, file, "main")
            for file in files
        ),
    )
    blocked = workspace.sandbox.counts.while_blocked() - before
    workspace.report(
        f"{workspace.calls}: one was rejected, and {blocked} were made while main was blocked."
    )


async def stop(workspace: Workspace, process: Process) -> None:
    """Stop the daemon."""
    workspace.announce("SIGTERM: the daemon completes its calls, closes the ledger and exits.")
    workspace.is_running = lambda: True
    process.send_signal(signal.SIGTERM)
    await workspace.until(
        "the daemon has ended",
        lambda: process.returncode is not None and workspace.log.has("daemon.stopped"),
    )
    if process.returncode != 0:
        raise DemoFailed(f"the daemon ended with exit code {process.returncode}")


LIVE = (add_picture, rename_picture, duplicate_picture, truncate_picture, throttle)
"""The steps while the daemon runs, in order."""


def _is_logged(workspace: Workspace, file: str, *names: str) -> bool:
    return all(
        any(
            workspace.log.has(event, f"account={name} ", f"/{file} ")
            for event in ("image.held", "image.copied")
        )
        for name in names
    )


def _is_paused(workspace: Workspace) -> bool:
    with reading(workspace.root / "ledger.db") as db:
        return MAIN in accounts.pauses()(db)
