"""A wall clock of one process, which a test sets: clock_gettime(2) and its like, preloaded."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

_SOURCE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long ahead(void) {
    char text[32] = {0};
    int file = open(getenv("SYNCD_TEST_CLOCK"), O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    if (read(file, text, sizeof text - 1) < 0) text[0] = 0;
    close(file);
    return atol(text);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && clock == CLOCK_REALTIME) now->tv_sec += ahead();
    return failed;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec found;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &found);
    now->tv_sec = found.tv_sec;
    now->tv_usec = found.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *where) {
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    if (where) *where = found.tv_sec;
    return found.tv_sec;
}
"""


@dataclass
class WallClock:
    """The clock of the processes that a test starts."""

    _file: Path

    def set_ahead(self, seconds: int) -> None:
        """Set the clock to `seconds` ahead of this machine's."""
        new = self._file.with_suffix(".new")
        new.write_text(str(seconds))
        os.replace(new, self._file)


def wall_clock(path: Path, monkeypatch: pytest.MonkeyPatch) -> WallClock:
    """Give the processes that the test starts a clock of their own; skip without a compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("NOT TESTED: a clock that is set needs a C compiler")
    source, library = path / "clock.c", path / "clock.so"
    source.write_text(_SOURCE)
    subprocess.run((compiler, "-shared", "-fPIC", "-o", library, source), check=True)
    clock = WallClock(path / "clock")
    clock.set_ahead(0)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("SYNCD_TEST_CLOCK", str(path / "clock"))
    return clock
