"""The work queue: a digest waits at most once, one worker has it, and none is lost."""

import asyncio
import sys

from hypothesis import given
from hypothesis import strategies as st

from syncd.engine.delayed import Delayed
from syncd.engine.queue import ROOM, WorkQueue, wait_for_batch
from syncd.ledger.replicas import FIRST_MISSING, Missing
from syncd.model import Digest


def digest(number: int) -> Digest:
    return Digest(number.to_bytes(32, "big"))


async def test_a_digest_waits_at_most_once() -> None:
    queue = WorkQueue()
    for _ in range(3):
        queue.add(digest(1))
        queue.add_fresh(digest(1))
    assert queue.take(9) == [digest(1)]


async def test_two_workers_never_have_the_same_digest() -> None:
    queue = WorkQueue()
    queue.add(digest(1))
    assert queue.take(1) == [digest(1)]
    queue.add(digest(1))
    assert queue.take(1) == []


async def test_the_ledger_is_read_again_for_a_digest_that_was_added_during_work_on_it() -> None:
    queue = WorkQueue()
    queue.add(digest(1))
    queue.take(1)
    queue.add(digest(1))
    assert not queue.refill.is_set()
    queue.done(digest(1))
    assert queue.refill.is_set()


async def test_a_page_does_not_bring_back_a_digest_that_was_done_while_it_was_read() -> None:
    queue = WorkQueue()

    async def page() -> Missing:
        queue.done(digest(1))  # after the ledger has read the page
        return Missing([digest(1), digest(2)], FIRST_MISSING)

    queue.add(digest(1))
    queue.take(1)
    assert (await queue.add_page(page())).digests == [digest(1), digest(2)]
    assert queue.take(9) == [digest(2)]
    assert queue.refill.is_set()


async def test_a_page_may_bring_back_a_digest_that_was_done_before_it_was_read() -> None:
    queue = WorkQueue()

    async def page() -> Missing:
        return Missing([digest(1)], FIRST_MISSING)

    queue.add(digest(1))
    queue.take(1)
    queue.done(digest(1))
    await queue.add_page(page())
    assert queue.take(9) == [digest(1)]


async def test_nothing_of_a_digest_is_kept_once_it_is_done() -> None:
    queue = WorkQueue()

    async def page() -> Missing:
        return Missing([], FIRST_MISSING)

    await queue.add_page(page())
    one = digest(1)
    before = sys.getrefcount(one)
    for add in (queue.add, queue.add_fresh):
        add(one)
        queue.take(1)
        queue.done(one)
        assert sys.getrefcount(one) == before


async def test_the_order_is_new_arrivals_then_put_back_then_backlog() -> None:
    queue = WorkQueue()
    for number in (1, 2, 3):
        queue.add(digest(number))
    queue.put_back(queue.take(2))
    queue.add_fresh(digest(9))
    assert queue.take(9) == [digest(n) for n in (9, 1, 2, 3)]


async def test_a_new_arrival_has_room_before_a_full_backlog() -> None:
    queue = WorkQueue()
    for number in range(ROOM):
        queue.add(digest(number))
    assert queue.room == 0
    queue.add_fresh(digest(ROOM))
    assert queue.take(1) == [digest(ROOM)]


async def test_a_batch_waits_for_more_images_until_its_delay_has_passed() -> None:
    queue = WorkQueue()
    queue.add(digest(1))
    waiting = asyncio.create_task(wait_for_batch(queue, 3, lambda: 60.0))
    for number in (2, 3):
        await asyncio.sleep(0)
        assert not waiting.done()
        queue.add(digest(number))
    async with asyncio.timeout(5):
        await waiting
    assert len(queue) == 3


async def test_a_single_new_arrival_does_not_wait_for_a_backlog() -> None:
    queue = WorkQueue()
    queue.add_fresh(digest(1))
    async with asyncio.timeout(5):
        await wait_for_batch(queue, 25, lambda: 60.0)


async def test_new_arrivals_come_from_the_ledger_only_when_too_many_wait() -> None:
    queue = WorkQueue()
    for number in range(ROOM):
        queue.add_fresh(digest(number))
    assert not queue.refill.is_set()
    queue.add_fresh(digest(ROOM))
    assert queue.refill.is_set()


@given(st.lists(st.tuples(st.sampled_from("abtpldg"), st.integers(0, 5)), max_size=60))
def test_no_digest_is_lost_whatever_the_order(steps: list[tuple[str, int]]) -> None:
    async def play() -> None:
        queue = WorkQueue()
        delayed = Delayed(queue)
        offered: set[Digest] = set()
        working: set[Digest] = set()
        finished: set[Digest] = set()
        given_up: set[Digest] = set()
        for action, number in steps:
            mine = next(iter(sorted(working)), None)
            match action:
                case "a" | "b":
                    (queue.add if action == "a" else queue.add_fresh)(digest(number))
                    offered.add(digest(number))
                    finished.discard(digest(number))
                case "t":
                    taken = queue.take(number)
                    assert not working & set(taken)
                    working |= set(taken)
                case "p" if mine is not None:
                    queue.put_back([mine])
                    working.discard(mine)
                case "l" if mine is not None:
                    delayed.retry_after(mine, 3600)
                    working.discard(mine)
                case "d" if mine is not None:
                    queue.done(mine)
                    working.discard(mine)
                    finished.add(mine)
                case "g" if mine is not None:
                    delayed.give_up(mine)
                    working.discard(mine)
                    given_up.add(mine)
                case _:
                    pass
        delayed.retry_now()
        left = queue.take(1000)
        assert len(left) == len(set(left))
        assert set(left) | working == offered - finished - given_up
        assert queue.in_flight == len(left) + len(working)

    asyncio.run(play())
