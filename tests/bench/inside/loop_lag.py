"""`syncd run` with a probe of the lag of its event loop.

Usage: loop_lag CONFIG FILE. It writes a list of [Unix time, lag], both in seconds, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from functools import partial
from pathlib import Path

from syncd.cli.options import account_opener, load_config
from syncd.cli.session import logged_session
from syncd.daemon.reload import Settings, read_settings
from syncd.daemon.run import run
from syncd.logs.setup import hide

_TICK = 0.005  # seconds


async def probe(samples: list[tuple[float, float]]) -> None:
    """Record how much later than requested each sleep returns."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _TICK
        await asyncio.sleep(_TICK)
        samples.append((time.time(), loop.time() - due))


def main() -> None:
    settings = load_config(Path(sys.argv[1]))
    open_account = account_opener(settings)
    read = partial(read_settings, settings.path, os.environ, hide)
    samples: list[tuple[float, float]] = []

    with logged_session(settings) as (_, set_log):

        async def run_with_probe() -> None:
            task = asyncio.create_task(probe(samples))
            await run(Settings(settings, open_account), read, set_log)
            task.cancel()

        asyncio.run(run_with_probe())
    Path(sys.argv[2]).write_text(json.dumps(samples))


if __name__ == "__main__":
    main()
