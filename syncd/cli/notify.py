"""`syncd notify`: the receivers of notifications."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from typing import Annotated

import typer

from syncd.cli.check import print_hanging
from syncd.cli.console import print_json
from syncd.cli.errors import Exit, fail
from syncd.cli.fast_start import fast_imports
from syncd.cli.options import DEFAULT_CONFIG
from syncd.cli.parameters import ConfigPath, Json, receiver_names
from syncd.cli.selected import receiver_named
from syncd.cli.stored_secrets import load_with_stored_secrets
from syncd.config import Config, LogFormat, NotifyConfig
from syncd.log import timestamp_of
from syncd.logs.setup import configure_logs

notify = typer.Typer(
    name="notify",
    help="Test the receivers of notifications.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


@notify.callback()
def _group() -> None:
    """Make `test` a command of its own, although it is the only one."""


@notify.command("test")
def notify_test(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="The receiver to test, by its name in the log; all if left out.",
            show_default=False,
            autocompletion=receiver_names,
        ),
    ] = "",
    config: ConfigPath = DEFAULT_CONFIG,
    json: Json = False,
) -> None:
    """Send a test to each receiver of notifications, and print what came of it.

    It works while the daemon runs. Exits with 1 if a receiver has not accepted the test. The
    monitor of [ping] gets none: it would report that the daemon runs.
    """
    configure_logs("error", LogFormat.AUTO, sys.stderr)
    settings = load_with_stored_secrets(config, "a URL")
    chosen = _chosen(settings, name)
    results = asyncio.run(_tested(settings, chosen))
    if json:
        print_json({"receivers": [_as_json(*result) for result in results]})
    else:
        _print(results)
    raise typer.Exit(Exit.NOT_ALL if any(why for _, why in results) else Exit.DONE)


def _chosen(config: Config, name: str) -> Sequence[NotifyConfig]:
    """Return the receivers to test; end the command if none is configured."""
    if not config.notify:
        fail("no receiver is configured: add a [[notify]] table (`syncd help notifications`)")
    return [receiver_named(config, name)] if name else config.notify


async def _tested(config: Config, chosen: Sequence[NotifyConfig]) -> list[tuple[str, str | None]]:
    """Return the name of each receiver, and why it has not accepted a test."""
    with fast_imports():
        from syncd.monitoring.entries import TestEntry  # noqa: PLC0415  slow to load
        from syncd.monitoring.errors import DeliveryError  # noqa: PLC0415  the same
        from syncd.monitoring.transport import open_transport  # noqa: PLC0415  the same

    async def why(receiver: NotifyConfig) -> str | None:
        try:
            transport = await open_transport(receiver, config.environ_for(receiver.url, os.environ))
            await transport.send([TestEntry("test", timestamp_of(time.time()))])
        except DeliveryError as error:
            return str(error)
        return None

    found = await asyncio.gather(*map(why, chosen))
    return [(receiver.name, reason) for receiver, reason in zip(chosen, found, strict=True)]


def _as_json(name: str, why: str | None) -> dict[str, object]:
    return {"receiver": name, "accepted": why is None, "why": why}


def _print(results: Sequence[tuple[str, str | None]]) -> None:
    width = max(len(name) for name, _ in results)
    for name, why in results:
        head = f"{'ok ' if why is None else 'BAD'} {name:<{width}}  "
        print_hanging(head, why or "accepted the test", None)
