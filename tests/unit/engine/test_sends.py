"""Calls that are finished by their task group."""

import asyncio
import errno

import pytest

from syncd.engine.sends import finish_in


async def test_a_call_ends_after_its_caller_was_cancelled() -> None:
    started, response, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def call() -> None:
        started.set()
        await response.wait()
        ended.set()

    async with asyncio.TaskGroup() as sends:
        caller = sends.create_task(finish_in(sends, call(), "call"))
        await started.wait()
        caller.cancel()
        await asyncio.wait({caller})
        response.set()
    assert caller.cancelled()
    assert ended.is_set()


async def test_a_group_that_ends_with_an_error_raises_this_error_alone() -> None:
    """The caller is two groups deeper: it is cancelled after the group has begun to end."""
    sends, failed, tried = asyncio.TaskGroup(), asyncio.Event(), False

    async def fail() -> None:
        raise OSError(errno.ENOSPC, "the disk is full")

    async def never() -> None:
        raise AssertionError

    async def work() -> None:
        nonlocal tried
        await failed.wait()
        tried = True
        await finish_in(sends, never(), "call")

    async def nested() -> None:
        async with asyncio.TaskGroup() as loops:
            loops.create_task(work())

    async def outer() -> None:
        async with asyncio.TaskGroup() as loops:
            loops.create_task(nested())

    async def run() -> None:
        async with sends:
            sends.create_task(outer())
            sends.create_task(fail()).add_done_callback(lambda _: failed.set())

    with pytest.raises(ExceptionGroup) as caught:
        await run()
    assert tried
    assert [type(error) for error in caught.value.exceptions] == [OSError]
