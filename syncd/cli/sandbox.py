"""`syncd sandbox`: the sandbox API for rehearsals, until it is stopped."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from enum import StrEnum
from functools import partial
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from syncd.rules.forecast import amount
from syncd.sandbox.values import DEFAULT_ACCOUNTS, account_id
from syncd.setup.written import Draft, Folder, short

if TYPE_CHECKING:
    from syncd.sandbox.server import Sandbox

# aiohttp takes 0.3 s to import: the command imports the sandbox's modules when it runs.
_GIF: Final = "R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
"""The smallest GIF in base64, for a first upload without a file."""


DEFAULT_PORT: Final = 8765


class Tier(StrEnum):
    """The access tiers of the Marketing API, and no limits at all."""

    STANDARD = "standard"
    DEVELOPMENT = "development"
    UNLIMITED = "unlimited"


Port = Annotated[
    int,
    typer.Option(metavar="PORT", min=0, max=65535, help="Port on 127.0.0.1; 0 selects a free one."),
]
AccessTier = Annotated[Tier, typer.Option(help="The documented rate limits to enforce.")]
Faults = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME[:PROPERTY=VALUE]…",
        help="Make calls fail with an error such as 80004 or 100/1487411, or with reset_before, "
        "reset_after, cut_off, half_json, slow, hang, html502, html503, 413. Properties: "
        "rate=0.05, times=3, after=10, account=1, on=upload (or copy, list, delete, account, "
        "me, other), image=*.gif, seconds=30, status=500, done=1. Repeatable.",
    ),
]
Switches = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE",
        help="Change a behaviour that is not documented for the real API; --switches lists them."
        " Repeatable.",
    ),
]
Accounts = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ID",
        help="Serve only this account and the others given. Repeatable. Default: every account.",
    ),
]
Tokens = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TOKEN[=ID,ID…]",
        help="Accept this token, for all accounts or for these. Repeatable. "
        "Default: sandbox-token.",
    ),
]
AppSecret = Annotated[
    str | None, typer.Option(metavar="SECRET", help="Require its appsecret_proof in each call.")
]
Seed = Annotated[
    int, typer.Option(metavar="NUMBER", help="Repeat the random faults of an earlier run.")
]
ListSwitches = Annotated[
    bool, typer.Option("--switches", help="List the switches and faults, and exit.")
]
Json = Annotated[bool, typer.Option("--json", help="Print only one line of JSON with the URL.")]


def sandbox(
    *,
    port: Port = DEFAULT_PORT,
    tier: AccessTier = Tier.STANDARD,
    fault: Faults = None,
    switch: Switches = None,
    account: Accounts = None,
    token: Tokens = None,
    app_secret: AppSecret = None,
    seed: Seed = 0,
    switches: ListSwitches = False,
    json: Json = False,
) -> None:
    """Serve a Graph API on this machine for rehearsals: no token, no network, no ad account.

    It behaves like the real API for ad images, with its rate limits and errors, and shows the
    calls that it received on a web page. It runs until Ctrl-C, and stores nothing.
    """
    from syncd.sandbox.options import Options, described_choices, sandbox_of  # noqa: PLC0415  slow to import
    from syncd.sandbox.server import run_until_stopped  # noqa: PLC0415  slow to import

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
    greeting = partial(_print_greeting, account=(account or DEFAULT_ACCOUNTS)[0])
    try:
        asyncio.run(run_until_stopped(server, _print_json if json else greeting))
    except OSError as error:
        typer.echo(f"syncd sandbox: port {port}: {error.strerror}; try --port 0", err=True)
        raise typer.Exit(os.EX_UNAVAILABLE) from None
    if not json:
        _print_summary(server)


def _print_greeting(server: Sandbox, account: str) -> None:
    bearer = f"-H 'Authorization: Bearer {server.token}'"
    typer.echo(f"Graph API at {server.url}; the calls it received at {server.url}/sandbox")
    node = f"act_{account_id(account)}"
    typer.echo(f"  curl {bearer} -F bytes={_GIF} {server.url}/v25.0/{node}/adimages")
    typer.echo(f"A configuration for it, after `export SYNCD_TOKEN={server.token}`:\n")
    typer.echo(short(rehearsal(server.url, ("env", "SYNCD_TOKEN"), Path.cwd(), {"main": account})))


def rehearsal(
    url: str,
    token: tuple[str, str],
    directory: Path,
    accounts: Mapping[str, str] | None = None,
    folders: Mapping[str, Folder] | None = None,
) -> Draft:
    """Return a configuration for a sandbox, with a ledger and pictures in a directory."""
    accounts = accounts or {"main": DEFAULT_ACCOUNTS[0]}
    pictures = Folder(str(directory / "pictures"), next(iter(accounts)))
    return Draft(
        base_url=url,
        token=token,
        ledger=str(directory / "ledger.db"),
        accounts=accounts,
        folders=folders or {"pictures": pictures},
    )


def _print_json(server: Sandbox) -> None:
    addresses = {"url": server.url, "token": server.token, "page": f"{server.url}/sandbox"}
    typer.echo(dumps(addresses))


def _print_summary(server: Sandbox) -> None:
    counts = server.counts
    errors = ", ".join(f"{code} × {n}" for code, n in sorted(counts.errors().items()))
    typer.echo(
        f"{amount(counts.calls(), 'call')}, {amount(counts.images(), 'image')} received "
        f"({counts.repeated_uploads()} already held), "
        f"{amount(counts.while_blocked(), 'call')} while blocked; errors: {errors or 'none'}"
    )
