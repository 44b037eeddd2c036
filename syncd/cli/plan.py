"""`syncd plan`."""

from __future__ import annotations

import asyncio
import sys

from syncd.cli.console import format_size, print_line
from syncd.cli.fast_start import fast_imports
from syncd.cli.options import DEFAULT_CONFIG, load_config
from syncd.cli.parameters import ConfigPath
from syncd.config import LogFormat
from syncd.folders import skipped
from syncd.images.unfinished import Unfinished
from syncd.logs.setup import configure_logs
from syncd.model import FolderName
from syncd.rules.forecast import amount, sentence


def plan(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Show what a backfill would send now. Nothing is sent, and the ledger is not changed."""
    settings = load_config(config)
    configure_logs("error", LogFormat.AUTO, sys.stderr)
    with fast_imports():
        from syncd.daemon.plan import plan as make_plan  # noqa: PLC0415  aiohttp is slow to load

    found = asyncio.run(make_plan(settings))
    for folder in found.folders:
        trouble = folder.doubt or folder.trouble
        state = f": {trouble}" if trouble else ""
        print_line(f"folder {folder.name}: {amount(folder.files, 'file')}{state}")
        if counts := found.skipped.get(FolderName(folder.name)):
            print_line(f"  skipped: {skipped.sentence({c.reason: c.count for c in counts})}")
    for name, planned in found.accounts.items():
        tally = planned.tally
        print_line(f"account {name}: {tally.wanted:,} wanted, {tally.held:,} held")
        if tally.missing:
            print_line(
                f"  would send {amount(tally.missing, 'image')},"
                f" {format_size(planned.bytes)}, in {amount(planned.forecast.calls, 'POST')}"
            )
            print_line(f"  {sentence(name, planned.forecast)}")
        else:
            print_line("  would send nothing")
        for count in planned.rejected:
            print_line(f"  rejected: {amount(count.count, 'image')}: {count.reason}")
    for count in found.unreadable:
        print_line(f"cannot read {amount(count.count, 'file')}: {count.reason}")
    for count in found.unfinished:
        reason = Unfinished(count.reason).reason
        print_line(f"{amount(count.count, 'file')} not finished: {reason}")
