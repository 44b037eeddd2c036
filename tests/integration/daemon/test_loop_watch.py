"""An event loop that is blocked is told of by a thread beside it."""

import asyncio
import time

import pytest
from support.rig import until

from syncd.daemon.loop_watch import guarded_loop


async def test_a_blocked_loop_is_told_of_with_where_it_stands_and_that_it_turns_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said: list[str] = []

    def heard(*words: str) -> bool:
        said.extend(capsys.readouterr().out.splitlines())
        return any(all(word in line for word in words) for line in said)

    with guarded_loop(0.4):
        await asyncio.sleep(0.5)
        assert not heard("watchdog.stuck"), "it turned all the time"
        time.sleep(0.6)  # noqa: ASYNC251  what is not to be done
        assert heard("watchdog.stuck", "event loop", "test_loop_watch.py")
        await until(lambda: heard("watchdog.recovered", "event loop"))


async def test_after_its_end_nothing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with guarded_loop(0.2):
        await asyncio.sleep(0)
    time.sleep(0.3)  # noqa: ASYNC251  a loop that is no longer guarded
    assert "watchdog.stuck" not in capsys.readouterr().out
