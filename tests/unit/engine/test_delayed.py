"""Delayed digests join the queue when they are due, and only once."""

import asyncio

from syncd.engine.delayed import Delayed
from syncd.engine.queue import ROOM, WorkQueue, wait_for_batch
from syncd.model import Digest


def digest(number: int) -> Digest:
    return Digest(number.to_bytes(32, "big"))


async def test_a_delayed_digest_joins_the_queue_when_it_is_due_and_once() -> None:
    queue = WorkQueue()
    delayed = Delayed(queue)
    queue.add(digest(1))
    delayed.retry_after(queue.take(1)[0], 0.02)
    queue.add(digest(1))
    assert len(queue) == 0
    assert len(delayed) == 1
    await wait_for_batch(queue, 1, lambda: 0.0)
    assert queue.take(9) == [digest(1)]
    assert len(delayed) == 0


async def test_a_digest_that_was_given_up_is_not_added_until_the_operator_retries() -> None:
    queue = WorkQueue()
    delayed = Delayed(queue)
    queue.add(digest(1))
    delayed.give_up(queue.take(1)[0])
    queue.add(digest(1))
    assert len(queue) == 0
    assert queue.is_idle
    assert len(delayed) == 0
    assert delayed.given_up == 1
    delayed.retry_now()
    queue.add(digest(1))
    assert len(queue) == 1


async def test_delayed_digests_take_no_room_and_are_not_forgotten() -> None:
    queue = WorkQueue()
    delayed = Delayed(queue)
    for number in range(3 * ROOM):
        queue.add(digest(number))
        for taken in queue.take(1):
            delayed.retry_after(taken, 0.02)
    assert queue.room == ROOM
    assert len(queue) == 0
    queue.refill.clear()
    async with asyncio.timeout(5):
        await queue.refill.wait()
        await wait_for_batch(queue, ROOM, lambda: 1.0)
    assert len(queue.take(3 * ROOM)) == ROOM


async def test_an_awaited_digest_joins_the_queue_on_its_arrival_or_after_a_timeout() -> None:
    queue = WorkQueue()
    delayed = Delayed(queue)
    delayed.await_arrival(digest(1), 60.0)
    delayed.await_arrival(digest(2), 0.01)
    queue.add(digest(1))  # it waits at most once
    assert len(queue) == 0
    delayed.arrive(digest(3))
    async with asyncio.timeout(5):
        await wait_for_batch(queue, 1, lambda: 0.0)
    assert queue.take(9) == [digest(2)]
    delayed.arrive(digest(1))
    assert queue.has_fresh
    assert queue.take(9) == [digest(1)]
