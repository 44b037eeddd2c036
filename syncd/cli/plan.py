"""`syncd plan`."""

from __future__ import annotations

import asyncio
import sys

from syncd.cli.console import amount, bytes_in_words
from syncd.cli.fast_start import at_once
from syncd.cli.options import DEFAULT_CONFIG, ConfigPath, configured
from syncd.config import LogFormat
from syncd.logs.setup import configure_logs
from syncd.rules.forecast import sentence


def plan(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Say what a backfill would do now. Nothing is sent, and the ledger stays as it is."""
    settings = configured(config)
    configure_logs("error", LogFormat.AUTO, sys.stderr)
    with at_once():
        from syncd.daemon.plan import plan as make_plan  # noqa: PLC0415  needs what the daemon needs

    found = asyncio.run(make_plan(settings))
    for folder in found.folders:
        state = f": {odd}" if (odd := folder.doubt or folder.trouble) else ""
        print(f"folder {folder.name}: {amount(folder.files, 'file')}{state}")
    for name, planned in found.accounts.items():
        tally = planned.tally
        print(f"account {name}: {tally.wanted:,} wanted, {tally.held:,} held")
        if tally.missing:
            print(
                f"  would send {amount(tally.missing, 'image')},"
                f" {bytes_in_words(planned.bytes)}, in {amount(planned.forecast.calls, 'POST')}"
            )
            print(f"  {sentence(name, planned.forecast)}")
        else:
            print("  would send nothing")
        for count in planned.rejected:
            print(f"  rejected: {amount(count.count, 'image')}: {count.reason}")
    for count in found.unreadable:
        print(f"cannot read {amount(count.count, 'file')}: {count.reason}")
