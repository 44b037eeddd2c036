"""`syncd retry`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from syncd.cli.console import amount
from syncd.cli.exits import Exit
from syncd.cli.options import DEFAULT_CONFIG, ConfigPath, configured
from syncd.ledger import accounts, replicas
from syncd.ledger.database import changing


def retry(
    config: ConfigPath = DEFAULT_CONFIG,
    rejected: Annotated[
        bool, typer.Option("--rejected", help="Ask once more about every rejected image, too.")
    ] = False,
) -> None:
    """Try again what was stopped: after a new token, a right that was given, an error mended.

    A running daemon takes it up within seconds. Throttled accounts stay paused: asking sooner
    makes the account's block longer.
    """
    settings = configured(config)
    try:
        with changing(settings.ledger.path) as db:
            lifted = accounts.lift_stops()(db)
            asked = replicas.retry_rejected()(db) if rejected else 0
            paused = accounts.pauses()(db)
    except FileNotFoundError as error:
        sys.stderr.write(f"syncd: {error}\n")
        raise typer.Exit(Exit.NOT_ALL) from None
    print(f"{amount(len(lifted), 'account')} opened again")
    if rejected:
        print(f"{amount(asked, 'rejected image')} will be asked about once more")
    for account, pause in paused.items():
        named = settings.account_by_id(account)
        print(f"{named.name if named else account} stays paused: {pause.why}")
