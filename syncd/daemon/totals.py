"""The figures of each folder and of the process, and their stats lines."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog

from syncd.engine.stats import reasons
from syncd.folders.monitor import FolderMonitor
from syncd.ledger.queries import FolderSummary
from syncd.log import Log, moment
from syncd.model import FolderName, printable
from syncd.monitoring.resources import measured, open_descriptors, resident_memory

log: Log = structlog.get_logger()

_MB = 1e6


class FolderFigures(msgspec.Struct, frozen=True):
    """The figures of a folder; `last_event_at` is in unix seconds, None before the first event."""

    name: FolderName
    standing: FolderSummary
    watch: str
    last_event_at: float | None


class ProcessFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of the process; None where the system does not provide one."""

    memory_mb: float | None
    descriptors: int | None
    ledger_mb: float | None
    wal_mb: float | None
    lines_dropped: int
    reading: int
    uptime: int


def folder_figures(monitor: FolderMonitor, standing: FolderSummary) -> FolderFigures:
    """Return the figures of a folder."""
    return FolderFigures(monitor.name, standing, monitor.watch.label, monitor.watch.last_event_at)


class ProcessMeter:
    """A meter of the process, created when it starts."""

    def __init__(self, ledger: Path, dropped: Callable[[], int]) -> None:
        """`dropped` returns how many lines of the log were dropped so far."""
        self._ledger = ledger
        self._dropped = dropped
        self._began = time.monotonic()

    def figures(self, reading: int) -> ProcessFigures:
        """Measure now; blocks while /proc and the ledger's directory are read.

        `reading` is the number of files that wait to be read.
        """
        wal = self._ledger.with_name(self._ledger.name + "-wal")
        return ProcessFigures(
            memory_mb=measured(lambda: round(resident_memory() / _MB, 1)),
            descriptors=measured(open_descriptors),
            ledger_mb=measured(lambda: _size_mb(self._ledger)),
            wal_mb=measured(lambda: _size_mb(wal)),
            lines_dropped=self._dropped(),
            reading=reading,
            uptime=round(time.monotonic() - self._began),
        )


def log_folder(figures: FolderFigures) -> None:
    """Log a folder's line."""
    state = figures.standing.state
    log.info(
        "stats.folder",
        folder=figures.name,
        path=printable(state.path),
        files=state.files,
        watch=figures.watch,
        last_event_at=moment(figures.last_event_at),
        scanned_at=moment(state.scanned_at),
        doubt=state.doubt,
        trouble=state.trouble,
        unreadable=reasons(figures.standing.unreadable),
        unfinished=reasons(figures.standing.unfinished),
        skipped=reasons(figures.standing.skipped),
        deletions_held=figures.standing.deletions_held,
    )


def log_process(figures: ProcessFigures) -> None:
    """Log the line of the process."""
    log.info(
        "stats.process",
        memory_mb=figures.memory_mb,
        descriptors=figures.descriptors,
        ledger_mb=figures.ledger_mb,
        wal_mb=figures.wal_mb,
        lines_dropped=figures.lines_dropped,
        reading=figures.reading,
        uptime=figures.uptime,
    )


def _size_mb(path: Path) -> float:
    with suppress(FileNotFoundError):  # the WAL exists only while it has content
        return round(path.stat().st_size / _MB, 3)
    return 0.0
