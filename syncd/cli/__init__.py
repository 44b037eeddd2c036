"""The command line."""

from __future__ import annotations

import sys

from syncd.cli.fast_start import fast_imports, import_structlog_without_rich
from syncd.cli.streams import prepare_streams

INTERRUPTED = 130  # the exit code of shells for SIGINT


def main() -> None:
    """Run the command that the arguments name."""
    prepare_streams()
    try:
        with fast_imports():
            import_structlog_without_rich()
            from syncd.cli.app import main as run  # noqa: PLC0415  an early Ctrl-C ends quietly

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
