"""`syncd retry`."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from syncd.cli.console import print_line
from syncd.cli.errors import ledger_required
from syncd.cli.options import DEFAULT_CONFIG, load_config
from syncd.cli.parameters import ConfigPath
from syncd.ledger import accounts, limitations, replicas
from syncd.ledger.file import changing
from syncd.rules.forecast import amount


def retry(
    config: ConfigPath = DEFAULT_CONFIG,
    rejected: Annotated[
        bool, typer.Option("--rejected", help="Also send every rejected image once more.")
    ] = False,
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
    print_line(f"{amount(len(lifted), 'account')} will be tried again")
    if learned:
        print_line(f"{amount(learned, 'limitation')} will be tried again")
    if rejected:
        print_line(f"{amount(retried, 'rejected image')} will be sent once more")
    for account, pause in paused.items():
        named = settings.account_by_id(account)
        print_line(f"{named.name if named else account} stays paused: {pause.why}")
