"""`syncd retry`."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from syncd.cli.console import print_json, print_line
from syncd.cli.errors import ledger_required
from syncd.cli.options import DEFAULT_CONFIG, load_config
from syncd.cli.parameters import ConfigPath, Json
from syncd.ledger import accounts, limitations, replicas
from syncd.ledger.file import changing
from syncd.log import moment
from syncd.rules.forecast import amount


def retry(
    config: ConfigPath = DEFAULT_CONFIG,
    rejected: Annotated[
        bool, typer.Option("--rejected", help="Also send every rejected image once more.")
    ] = False,
    json: Json = False,
) -> None:
    """Retry stopped accounts, after you have replaced the token or given the permission.

    A running daemon does so within seconds. A pause that usage headers asked for ends, too, and
    what an account did not take (see `syncd status`) is tried again with its next images.
    Throttled accounts stay paused: a call before the end of the pause would extend the block.
    """
    settings = load_config(config)
    with ledger_required(), changing(settings.ledger.path) as db:
        lifted = accounts.lift()(db)
        learned = limitations.retry(time.time())(db)
        retried = replicas.retry_rejected()(db) if rejected else 0
        paused = accounts.pauses()(db)
    names = {account.id: name for name, account in settings.accounts.items()}
    if json:
        print_json(
            {
                "accounts": [names.get(account, f"act_{account}") for account in lifted],
                "limitations": learned,
                "rejected": retried,
                "paused": {
                    names.get(account, f"act_{account}"): {
                        "why": pause.why,
                        "since": moment(pause.since),
                        "until": moment(pause.until),
                    }
                    for account, pause in paused.items()
                },
            }
        )
        return
    print_line(f"{amount(len(lifted), 'account')} will be tried again")
    if learned:
        print_line(f"{amount(learned, 'limitation')} will be tried again")
    if rejected:
        print_line(f"{amount(retried, 'rejected image')} will be sent once more")
    for account, pause in paused.items():
        print_line(f"{names.get(account, account)} stays paused: {pause.why}")
