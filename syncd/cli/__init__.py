"""The command line."""

from __future__ import annotations

import sys
from collections.abc import Callable

from syncd.cli.fast_start import fast_imports, import_structlog_without_rich
from syncd.cli.streams import prepare_streams

INTERRUPTED = 130  # the exit code of shells for SIGINT


def main() -> None:
    """Run the command that the arguments name."""
    prepare_streams()
    try:
        with fast_imports():  # within `try`: an early Ctrl-C ends quietly
            from syncd.cli.errors import run_to_end  # noqa: PLC0415  the same
            from syncd.cli.frequent import frequent_command  # noqa: PLC0415  the same
            from syncd.cli.options import with_config_last  # noqa: PLC0415  the same

            sys.argv[1:] = with_config_last(sys.argv[1:])
            command = frequent_command(sys.argv[1:]) or _application()
        run_to_end(command)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _application() -> Callable[[], None]:
    import_structlog_without_rich()
    from syncd.cli.app import app  # noqa: PLC0415  typer is slow to import

    return app
