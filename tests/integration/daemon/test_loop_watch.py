"""A blocked event loop is logged by another thread."""

import asyncio
import time

import pytest
from support.rig import until

from syncd.daemon.loop_watch import loop_watched


async def test_a_blocked_loop_is_logged_with_its_location_and_its_recovery(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines: list[str] = []

    def logged(*words: str) -> bool:
        lines.extend(capsys.readouterr().out.splitlines())
        return any(all(word in line for word in words) for line in lines)

    with loop_watched(0.4):
        await asyncio.sleep(0.5)
        assert not logged("watchdog.stuck"), "it was never blocked"
        time.sleep(0.6)  # noqa: ASYNC251  the block under test
        assert logged("watchdog.stuck", "event loop", "test_loop_watch.py")
        await until(lambda: logged("watchdog.recovered", "event loop"))


async def test_a_loop_that_is_no_longer_watched_is_not_logged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with loop_watched(0.2):
        await asyncio.sleep(0)
    time.sleep(0.3)  # noqa: ASYNC251  the block under test
    assert "watchdog.stuck" not in capsys.readouterr().out
