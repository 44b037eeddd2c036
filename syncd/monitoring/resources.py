"""The resources that the process uses, from sources that syncd's units do not hide."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from syncd.monitoring.figures import Resources

T = TypeVar("T")


def resources(started_at: float) -> Resources:
    """Return what the process uses now; it was started at `started_at`, in unix seconds."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Resources(
        started_at=started_at,
        cpu=time.process_time(),
        memory=measured(resident_memory),
        descriptors=measured(open_descriptors),
        most_descriptors=most,
    )


def resident_memory() -> int:
    """Return the memory of the process in bytes; raise OSError where it is hidden."""
    # proc(5): the second figure of statm is the resident set, in pages.
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def open_descriptors() -> int:
    """Return the number of open file descriptors; raise OSError where it is hidden."""
    return len(os.listdir("/proc/self/fd"))


def measured(measure: Callable[[], T]) -> T | None:
    """Return a measurement; None where the system hides it."""
    try:
        return measure()
    except OSError:  # /proc is missing or hidden
        return None
