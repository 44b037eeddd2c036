"""The commands."""

from __future__ import annotations

import sys

from syncd.cli.fast_start import at_once, log_without_colours

INTERRUPTED = 130  # what a shell makes of SIGINT


def main() -> None:
    """Run the command that the arguments name."""
    try:
        with at_once():
            log_without_colours()
            from syncd.cli.app import main as run  # noqa: PLC0415  an early Ctrl-C is no traceback

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
