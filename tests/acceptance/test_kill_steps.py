"""A daemon that is killed at any one step loses nothing, and repeats one call at most.

A step is the moment before or after a send, a receive or a commit. The scenario has about 280;
here, the process is killed at one step of each kind when the first upload is sent. EXPLORE=1 kills
it at every step, which took 24 minutes: a call was repeated after 27 of 278 kills, and never two.
"""

import asyncio
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from support.kill_steps import KilledRun

from syncd.sandbox.server import Sandbox
from syncd.sandbox.switches import Switches

EXPLORE = "EXPLORE" in os.environ
TOGETHER = 2


async def live(path: Path, last: int) -> KilledRun:
    """Run the scenario, and kill its daemon at step `last`."""
    path.mkdir()  # noqa: ASYNC240  one directory
    async with Sandbox(Switches(tier="unlimited")) as sandbox:
        run = KilledRun(path, sandbox, last)
        await run.run()
    assert run.wrong == [], last
    assert run.repeats.without_a_kill == [], last
    assert run.repeats.most() <= 1, last
    return run


def around_the_first_upload(steps: Sequence[str]) -> list[int]:
    """Return the number of one step of each kind: the next one when the first upload is sent."""
    first = next(n for n, one in enumerate(steps) if one.startswith("before a send: POST"))
    names = [one.partition(":")[0] for one in steps]
    return sorted(names.index(kind, first) + 1 for kind in set(names[first:]))


async def live_at_each(path: Path, numbers: Iterable[int]) -> list[KilledRun]:
    """Run the scenario for each step, a few at once."""
    turn = asyncio.Semaphore(TOGETHER)

    async def one(number: int) -> KilledRun:
        async with turn:
            return await live(path / str(number), number)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(number)) for number in numbers]
    return [task.result() for task in tasks]


@pytest.mark.kills
@pytest.mark.timeout(7200)
async def test_a_kill_at_any_step_loses_nothing(tmp_path: Path) -> None:
    whole = await live(tmp_path / "whole", 0)
    every = range(1, len(whole.steps) + 1)
    runs = await live_at_each(tmp_path, every if EXPLORE else around_the_first_upload(whole.steps))
    repeated = [run.last for run in runs if run.repeats.repeated]
    print(f"{len(whole.steps)} steps; a call was repeated after a kill at {repeated}")
    assert repeated
