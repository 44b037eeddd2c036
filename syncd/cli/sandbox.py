"""`syncd sandbox`: the sandbox for a user's rehearsal, until it is stopped."""

from __future__ import annotations

import asyncio
import os
from enum import StrEnum
from json import dumps
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from syncd.sandbox.server import Sandbox

# aiohttp takes 0.3 s to import: the sandbox's modules are imported by the command that is run.
_DOT: Final = "R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
"""The smallest GIF, for a first upload without a file."""


class Tier(StrEnum):
    """The access tiers of the Marketing API, and none."""

    STANDARD = "standard"
    DEVELOPMENT = "development"
    UNLIMITED = "unlimited"


def sandbox(
    *,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")
    ] = 8765,
    tier: Annotated[Tier, typer.Option(help="Which documented rate limits hold.")] = Tier.STANDARD,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[:PROPERTY=VALUE]…",
            help="Answer wrongly: an error such as 80004 or 100/1487411, or reset_before, "
            "reset_after, cut_off, half_json, slow, hang, html502, html503, 413. Properties: "
            "rate=0.05, times=3, after=10, account=1, on=upload (or copy, list, delete, account, "
            "me, other), image=*.gif, seconds=30, status=500, done=1. Repeatable.",
        ),
    ] = None,
    switch: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Behave as the real API perhaps does; --switches lists them. Repeatable.",
        ),
    ] = None,
    account: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID", help="Know this account alone, with the others given. Repeatable."
        ),
    ] = None,
    token: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TOKEN[=ID,ID…]",
            help="Take this token, for all accounts or for these. Repeatable. "
            "Default: sandbox-token.",
        ),
    ] = None,
    app_secret: Annotated[
        str | None, typer.Option(metavar="SECRET", help="Ask for its appsecret_proof.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Repeat the random faults of an earlier run.")] = 0,
    switches: Annotated[
        bool, typer.Option("--switches", help="List the switches and faults, and exit.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON with the URL, and no more.")
    ] = False,
) -> None:
    """Serve a Graph API on this machine, to rehearse against: no token, no network, no ad account.

    It answers the ad-image edge as the real one does, with its rate limits and errors, and shows
    on a page what it was asked. It runs until Ctrl-C, and forgets everything then.
    """
    from syncd.sandbox.options import Options, described_choices, sandbox_of  # noqa: PLC0415
    from syncd.sandbox.running import run_until_stopped  # noqa: PLC0415

    if switches:
        typer.echo(described_choices())
        return
    options = Options(
        port=port,
        tier=tier,
        faults=fault or (),
        switches=switch or (),
        accounts=account or (),
        tokens=token or (),
        app_secret=app_secret,
        seed=seed,
    )
    try:
        server = sandbox_of(options)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    try:
        asyncio.run(run_until_stopped(server, _say_json if json else _greet))
    except OSError as error:
        typer.echo(f"syncd sandbox: port {port}: {error.strerror}; try --port 0", err=True)
        raise typer.Exit(os.EX_UNAVAILABLE) from None
    if not json:
        _sum_up(server)


def _greet(server: Sandbox) -> None:
    bearer = f"-H 'Authorization: Bearer {server.token}'"
    typer.echo(f"Graph API at {server.url}, what it was asked at {server.url}/sandbox")
    typer.echo(f"  curl {bearer} -F bytes={_DOT} {server.url}/v25.0/act_1234567890/adimages")
    typer.echo(f'  [graph] base_url = "{server.url}", and the token is {server.token}')


def _say_json(server: Sandbox) -> None:
    words = {"url": server.url, "token": server.token, "page": f"{server.url}/sandbox"}
    typer.echo(dumps(words))


def _sum_up(server: Sandbox) -> None:
    counts = server.counts
    refusals = ", ".join(f"{code} × {n}" for code, n in sorted(counts.refusals().items()))
    typer.echo(
        f"{counts.calls()} calls, {counts.images()} images received, "
        f"{counts.repeated_uploads()} of them held already, "
        f"{counts.while_blocked()} calls while blocked; refusals: {refusals or 'none'}"
    )
