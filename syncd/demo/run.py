"""The run of the demo: its steps in order, until they are completed or a signal arrives."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator
from enum import Enum, auto

from rich.console import Console
from rich.text import Text

from syncd.demo import results, steps
from syncd.demo.workspace import DemoFailed, Workspace, create_workspace

_BETWEEN_STEPS = 0.4  # seconds of rest for the reader
_UNWRAPPED = 200  # columns: a file or a pipe gets unwrapped lines


class Outcome(Enum):
    """The end of a demo."""

    COMPLETED = auto()
    FAILED = auto()
    INTERRUPTED = auto()


async def run_demo(*, keep: bool) -> Outcome:
    """Run every step; with `keep`, continue until a signal arrives."""
    console = _console()
    completed = asyncio.Event()
    running = asyncio.create_task(_run(console, completed, keep=keep), name="demo")
    with _cancelled_by_signals(running):
        try:
            await running
        except DemoFailed as error:
            sys.stderr.write(f"syncd demo: unexpected result: {error}\n")
            return Outcome.FAILED
        except asyncio.CancelledError:
            if not running.cancelled():
                raise
            console.print(Text("\nEnded; all files of the demo are removed.", "dim"))
            return Outcome.COMPLETED if completed.is_set() else Outcome.INTERRUPTED
    return Outcome.COMPLETED


async def _run(console: Console, completed: asyncio.Event, *, keep: bool) -> None:
    async with create_workspace(console) as workspace:
        await steps.backfill(workspace)
        await workspace.rest(_BETWEEN_STEPS)
        async with steps.daemon(workspace) as process:
            for step in steps.LIVE:
                await workspace.rest(_BETWEEN_STEPS)
                await step(workspace)
            await workspace.rest(_BETWEEN_STEPS)
            if not keep:
                await steps.stop(workspace, process)
                await workspace.rest(_BETWEEN_STEPS)
            _show_results(workspace)
            if keep:
                results.print_suggestions(workspace)
                async with steps.pages(workspace):
                    completed.set()
                    await process.wait()
                raise DemoFailed("the daemon ended although it was to keep running")
        results.print_next_steps(workspace)


def _show_results(workspace: Workspace) -> None:
    standings = workspace.standings()
    results.check(workspace, standings)
    workspace.announce("The final ledger, compared with the files and the accounts:")
    results.print_table(workspace, standings)
    results.print_summary(workspace, standings)


def _console() -> Console:
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # the terminal's encoding may lack characters
    width = None if sys.stdout.isatty() else _UNWRAPPED
    return Console(width=width, highlight=False, markup=False, emoji=False)


@contextlib.contextmanager
def _cancelled_by_signals(running: asyncio.Task[None]) -> Iterator[None]:
    """Cancel the task at the first signal; later ones must not interrupt the clean-up."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def cancel() -> None:
        if not running.cancelling():
            running.cancel()

    for number in numbers:
        loop.add_signal_handler(number, cancel)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
