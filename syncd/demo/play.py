"""The play: every scene in its order, and an end to it at any moment."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from syncd.cli.exits import Exit
from syncd.demo import closing, scenes
from syncd.demo.stage import DemoFailed, Stage, set_up

_BETWEEN_SCENES = 0.4  # seconds for the reader's eyes
_WHERE_NOTHING_FOLDS = 200  # columns: a file or a pipe takes whole lines
_INTERRUPTED = 128 + signal.SIGINT  # as shells have it


async def play(*, keep: bool) -> int:
    """Show everything; returns the exit code. With `keep` it goes on until a signal comes."""
    console = _console()
    leisure = asyncio.Event()
    playing = asyncio.create_task(_play(console, leisure, keep=keep), name="play")
    with _cancelled_by_signals(playing):
        try:
            await playing
        except DemoFailed as error:
            sys.stderr.write(f"syncd demo: not as promised: {error}\n")
            return Exit.NOT_ALL
        except asyncio.CancelledError:
            if not playing.cancelled():
                raise
            console.print(Text("\nEnded; nothing is left behind.", "dim"))
            return Exit.DONE if leisure.is_set() else _INTERRUPTED
    return Exit.DONE


async def _play(console: Console, leisure: asyncio.Event, *, keep: bool) -> None:
    async with set_up(console) as stage:
        await scenes.backfill(stage)
        await stage.breathe(_BETWEEN_SCENES)
        async with scenes.daemon(stage) as process:
            for scene in scenes.LIVE:
                await stage.breathe(_BETWEEN_SCENES)
                await scene(stage)
            await stage.breathe(_BETWEEN_SCENES)
            if not keep:
                await scenes.the_end(stage, process)
                await stage.breathe(_BETWEEN_SCENES)
            _close(stage)
            if keep:
                closing.things_to_try(stage)
                leisure.set()
                await process.wait()
                raise DemoFailed("the daemon runs on: it has ended")
        closing.next_steps(stage)


def _close(stage: Stage) -> None:
    known = stage.known()
    closing.check(stage, known)
    stage.say("What the ledger says at the end, checked against the files and the accounts:")
    closing.table(stage, known)
    closing.sum_up(stage, known)


def _console() -> Console:
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal of another alphabet
    width = None if sys.stdout.isatty() else _WHERE_NOTHING_FOLDS
    return Console(width=width, highlight=False, markup=False, emoji=False)


@contextlib.contextmanager
def _cancelled_by_signals(playing: asyncio.Task[None]) -> Iterator[None]:
    """Cancel once: what follows is short, and must not be disturbed."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def heard() -> None:
        if not playing.cancelling():
            playing.cancel()

    for number in numbers:
        loop.add_signal_handler(number, heard)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
