"""`syncd run` with a metronome on its loop: CONFIG FILE; writes [unix seconds, lag] as JSON."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from functools import partial
from pathlib import Path

from syncd.cli.options import configured, opened
from syncd.cli.session import lasting
from syncd.daemon.reload import Settings, read_settings
from syncd.daemon.run import run
from syncd.logs.setup import hide

_TICK = 0.005  # seconds


async def beat(samples: list[tuple[float, float]]) -> None:
    """Note how much later than asked the loop comes back, again and again."""
    loop = asyncio.get_running_loop()
    while True:
        asked = loop.time() + _TICK
        await asyncio.sleep(_TICK)
        samples.append((time.time(), loop.time() - asked))


def main() -> None:
    settings = configured(Path(sys.argv[1]))
    open_account = opened(settings)
    read = partial(read_settings, settings.path, os.environ, hide)
    samples: list[tuple[float, float]] = []

    with lasting(settings) as (_, set_log):

        async def running() -> None:
            beating = asyncio.create_task(beat(samples))
            await run(Settings(settings, open_account), read, set_log)
            beating.cancel()

        asyncio.run(running())
    Path(sys.argv[2]).write_text(json.dumps(samples))


if __name__ == "__main__":
    main()
