"""`syncd demo`."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from syncd.cli.fast_start import at_once


def demo(
    *,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave sandbox and daemon running, to play with.")
    ] = False,
) -> None:
    """Show syncd at work in a quarter of a minute: no token, no network, no configuration.

    It makes folders of pictures in a temporary directory and a sandbox to send them to, runs the
    real `syncd backfill` and `syncd run` on them, and changes files while the daemon looks. Every
    line is the program's own. Ctrl-C ends it at any moment; nothing is left behind.

    Exits 0 when everything went as it says, 1 when not.
    """
    typer.secho("syncd demo", bold=True, nl=False)
    typer.echo(": two ad accounts in a sandbox on this machine. No token, no network.")
    with at_once():
        from syncd.demo.play import play  # noqa: PLC0415  aiohttp takes a while to load

    raise typer.Exit(asyncio.run(play(keep=keep)))
