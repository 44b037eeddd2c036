"""The pause between two versions of the status file."""

import asyncio

import pytest

from syncd.daemon.status_writer import pause


async def test_a_cancellation_is_not_lost_when_the_first_report_can_be_made_at_the_same_time() -> (
    None
):
    restored = asyncio.Event()
    task = asyncio.create_task(pause(restored))
    for _ in range(3):
        await asyncio.sleep(0)
    restored.set()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_pause_ends_when_the_first_report_can_be_made() -> None:
    restored = asyncio.Event()
    task = asyncio.create_task(pause(restored))
    await asyncio.sleep(0)
    assert not task.done()
    restored.set()
    await task
