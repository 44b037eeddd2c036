"""Figures of each folder and of the process itself: their stats lines."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec
import structlog

from syncd.engine.stats import reasons
from syncd.folders.monitor import FolderMonitor
from syncd.ledger.standing import FolderStanding
from syncd.log import Log, moment
from syncd.model import FolderName, printable

log: Log = structlog.get_logger()

T = TypeVar("T")

_MB = 1e6


class FolderFigures(msgspec.Struct, frozen=True):
    """What a folder's line says; last_event_at in unix seconds, of this process alone."""

    name: FolderName
    standing: FolderStanding
    watch: str
    last_event_at: float | None


class ProcessFigures(msgspec.Struct, frozen=True):
    """What the process's own line says; None is what the system does not tell."""

    memory_mb: float | None
    descriptors: int | None
    ledger_mb: float | None
    wal_mb: float | None
    lines_dropped: int
    reading: int
    uptime: int


def folder_figures(keeper: FolderMonitor, standing: FolderStanding) -> FolderFigures:
    """Put together how a folder stands."""
    return FolderFigures(keeper.name, standing, keeper.watch, keeper.last_event_at)


class Meter:
    """Measures the process, from when it is made on."""

    def __init__(self, ledger: Path, dropped: Callable[[], int]) -> None:
        """dropped answers how many lines of the log were dropped so far."""
        self._ledger = ledger
        self._dropped = dropped
        self._began = time.monotonic()

    def figures(self, reading: int) -> ProcessFigures:
        """Measure now; blocks as reading /proc and the ledger's directory does.

        reading is how many files wait to be read.
        """
        return ProcessFigures(
            _asked(_memory_mb),
            _asked(lambda: len(os.listdir("/proc/self/fd"))),
            _asked(lambda: _size_mb(self._ledger)),
            _asked(lambda: _size_mb(self._ledger.with_name(self._ledger.name + "-wal"))),
            self._dropped(),
            reading,
            round(time.monotonic() - self._began),
        )


def tell_folder(of: FolderFigures) -> None:
    """Write a folder's line."""
    state = of.standing.state
    log.info(
        "stats.folder",
        folder=of.name,
        path=printable(state.path),
        files=state.files,
        watch=of.watch,
        last_event_at=moment(of.last_event_at),
        scanned_at=moment(state.scanned_at),
        doubt=state.doubt,
        trouble=state.trouble,
        unreadable=reasons(of.standing.unreadable),
        deletions_held=of.standing.deletions_held,
    )


def tell_process(of: ProcessFigures) -> None:
    """Write the process's own line."""
    log.info(
        "stats.process",
        memory_mb=of.memory_mb,
        descriptors=of.descriptors,
        ledger_mb=of.ledger_mb,
        wal_mb=of.wal_mb,
        lines_dropped=of.lines_dropped,
        reading=of.reading,
        uptime=of.uptime,
    )


def _memory_mb() -> float:
    # proc(5): the second figure of statm is the resident set, in pages.
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / _MB, 1)


def _size_mb(path: Path) -> float:
    with suppress(FileNotFoundError):  # there is a WAL only while there is something in it
        return round(path.stat().st_size / _MB, 3)
    return 0.0


def _asked(ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except OSError:  # no /proc, no right to see it
        return None
