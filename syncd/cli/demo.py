"""`syncd demo`."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from syncd.cli.errors import Exit
from syncd.cli.fast_start import fast_imports


def demo(
    *,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Keep sandbox, daemon and web pages running."),
    ] = False,
) -> None:
    """Show syncd at work in 15 seconds: no token, no network, no configuration.

    It creates folders of pictures in a temporary directory and starts a sandbox API, runs the real
    `syncd backfill` and `syncd run` on them, and changes files while the daemon watches. Every log
    line is real output. Ctrl-C ends it at any time; all files are removed.

    Exits with 0 if every step had the expected result, otherwise with 1.
    """
    typer.secho("syncd demo", bold=True, nl=False)
    typer.echo(": two ad accounts in a sandbox on this machine. No token, no network.")
    with fast_imports():
        from syncd.demo.run import Outcome, run_demo  # noqa: PLC0415  aiohttp is slow to load

    code = {
        Outcome.COMPLETED: Exit.DONE,
        Outcome.FAILED: Exit.NOT_ALL,
        Outcome.INTERRUPTED: Exit.INTERRUPTED,
    }[asyncio.run(run_demo(keep=keep))]
    raise typer.Exit(code)
