"""Progress bars of a backfill, one for each account, with important log records above them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import TracebackType

import structlog
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text
from structlog.typing import EventDict, WrappedLogger

from syncd.cli.redrawn import RedrawnLines
from syncd.daemon import backfill
from syncd.logs.setup import Lines
from syncd.model import AccountName
from syncd.wording.figures import format_duration

_PERIOD = 10.0  # seconds over which the rate is measured
_WIDTH = 60  # columns of all: a terminal can become as narrow without breaking the lines
_BAR = 10  # columns of a bar at least, where the texts need more


class ProgressBars:
    """Progress bars, shown while the context is entered.

    With `quiet`, only warnings, errors and state changes of accounts are printed above the bars: a
    line for each image would push them away. Otherwise the whole log is.
    """

    def __init__(self, lines: Lines, accounts: Iterable[AccountName], *, quiet: bool) -> None:
        self._lines = lines
        self._quiet = quiet
        self._stack = ExitStack()
        console = Console(stderr=True, highlight=False, markup=False)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(None),
            TextColumn("{task.fields[count]}", markup=False, justify="right"),
            TextColumn("{task.fields[rejected]}", markup=False, justify="right"),
            TextColumn("{task.fields[rate]}", markup=False, justify="right"),
            TextColumn("{task.fields[state]}", markup=False),
            console=console,
        )
        self._tasks: dict[AccountName, TaskID] = {
            name: self._progress.add_task(
                name, total=None, count="", rejected="", rate="", state=""
            )
            for name in accounts
        }
        self._rates: dict[AccountName, _Rate] = {}
        self._shown = RedrawnLines(console, self._content)

    def __enter__(self) -> ProgressBars:
        self._stack.enter_context(self._shown)
        self._stack.enter_context(self._lines.redirected(self._print_above))
        if self._quiet:
            self._stack.enter_context(_without_routine_records())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def __call__(self, progress: Mapping[AccountName, backfill.Progress]) -> None:
        """Show the current state of the accounts."""
        for name, now in progress.items():
            tally = now.tally
            rate = self._rates.setdefault(name, _Rate(tally.held)).after(now)
            total = now.sent + tally.missing
            shown = f"{total:,}"
            self._progress.update(
                self._tasks[name],
                completed=now.sent,
                total=total or (None if now.reading else 0),
                count=f"{now.sent:>{len(shown)},}/{shown}",
                rejected=f"{tally.rejected:,} rejected" if tally.rejected else "",
                rate=f"{rate:,.1f}/s" if rate else "",
                state=_state(now, rate),
            )
        self._shown.redraw()

    def _content(self) -> tuple[RenderableType, int]:
        texts = [(one.description, *one.fields.values()) for one in self._progress.tasks]
        needed = sum(max(map(cell_len, column)) + 1 for column in zip(*texts, strict=True))
        return self._progress.get_renderable(), max(_WIDTH, needed + _BAR)

    def _print_above(self, line: str) -> None:
        self._shown.print_above(Text.from_ansi(line))


class _Rate:
    """Images per second over the last seconds."""

    def __init__(self, held: int) -> None:
        self._samples = deque([(time.monotonic(), held)])

    def after(self, progress: backfill.Progress) -> float:
        """Return the current rate, or the last one measured while images were missing."""
        now, held = time.monotonic(), progress.tally.held
        if progress.tally.missing or held != self._samples[-1][1]:
            self._samples.append((now, held))
        while len(self._samples) > 2 and now - self._samples[1][0] > _PERIOD:
            self._samples.popleft()
        (then, before), (last, after) = self._samples[0], self._samples[-1]
        return (after - before) / (last - then) if last > then else 0.0


def _state(now: backfill.Progress, rate: float) -> str:
    if now.state != "open":
        return now.state
    if now.reading:
        return "reading the folders"
    if now.tally.missing == 0:
        return "done"
    return f"{format_duration(max(1.0, now.tally.missing / rate))} left" if rate else ""


@contextmanager
def _without_routine_records() -> Iterator[None]:
    before = structlog.get_config()["processors"]
    structlog.configure(processors=[_drop_routine, *before])
    try:
        yield
    finally:
        structlog.configure(processors=before)


def _drop_routine(_logger: WrappedLogger, level: str, event: EventDict) -> EventDict:
    if level in ("debug", "info") and not str(event["event"]).startswith("account."):
        raise structlog.DropEvent
    return event
