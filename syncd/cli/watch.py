"""`syncd status --watch`: a view that is drawn repeatedly in place on a terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable

from syncd.cli.console import Line, full_screen, redraw
from syncd.cli.errors import Exit, fail

PERIOD = 2.0
"""Seconds between two views."""


def watch(view: Callable[[int], Iterable[Line]]) -> None:
    """Show what `view` returns for the width of the terminal, until Ctrl-C."""
    if not sys.stdout.isatty():
        fail(
            "--watch needs a terminal; without it, `syncd status` prints the state once", Exit.USAGE
        )
    with full_screen():
        while True:
            size = os.get_terminal_size(sys.stdout.fileno())
            redraw(view(size.columns or 80), size.lines or 24)
            time.sleep(PERIOD)
