"""A digest waits at most once, one worker has it, and none is lost."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from syncd.engine.queue import ROOM, WorkQueue
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


async def test_what_came_while_it_was_worked_on_is_looked_at_again() -> None:
    queue = WorkQueue()
    queue.add(digest(1))
    queue.take(1)
    queue.add(digest(1))
    assert not queue.relook.is_set()
    queue.done(digest(1))
    assert queue.relook.is_set()


async def test_what_is_done_while_a_page_is_read_does_not_come_back_with_it() -> None:
    queue = WorkQueue()

    async def page() -> list[Digest]:
        queue.done(digest(1))  # after the ledger was asked, and before its answer is here
        return [digest(1), digest(2)]

    queue.add(digest(1))
    queue.take(1)
    assert await queue.add_page(page()) == [digest(1), digest(2)]
    assert queue.take(9) == [digest(2)]
    assert queue.relook.is_set()


async def test_what_was_done_before_a_page_was_asked_for_may_come_with_it() -> None:
    queue = WorkQueue()

    async def page() -> list[Digest]:
        return [digest(1)]

    queue.add(digest(1))
    queue.take(1)
    queue.done(digest(1))
    await queue.add_page(page())
    assert queue.take(9) == [digest(1)]


async def test_the_order_is_fresh_then_put_back_then_backlog() -> None:
    queue = WorkQueue()
    for number in (1, 2, 3):
        queue.add(digest(number))
    queue.put_back(queue.take(2))
    queue.add_fresh(digest(9))
    assert queue.take(9) == [digest(n) for n in (9, 1, 2, 3)]


async def test_a_fresh_digest_finds_room_before_a_full_backlog() -> None:
    queue = WorkQueue()
    for number in range(ROOM):
        queue.add(digest(number))
    assert queue.room == 0
    queue.add_fresh(digest(ROOM))
    assert queue.take(1) == [digest(ROOM)]


async def test_what_waits_for_its_time_comes_when_it_is_due_and_once() -> None:
    queue = WorkQueue()
    queue.add(digest(1))
    queue.later(queue.take(1)[0], 0.02)
    queue.add(digest(1))
    assert len(queue) == 0
    await queue.ready(1, lambda: 0.0)
    assert queue.take(9) == [digest(1)]


async def test_what_was_given_up_stays_so_until_it_is_hurried() -> None:
    queue = WorkQueue()
    queue.add(digest(1))
    queue.give_up(queue.take(1)[0])
    queue.add(digest(1))
    assert len(queue) == 0
    assert queue.resting
    queue.hurry()
    queue.add(digest(1))
    assert len(queue) == 1


async def test_ready_waits_for_company_while_patience_lasts() -> None:
    queue = WorkQueue()
    queue.add(digest(1))
    waiting = asyncio.create_task(queue.ready(3, lambda: 60.0))
    for number in (2, 3):
        await asyncio.sleep(0)
        assert not waiting.done()
        queue.add(digest(number))
    async with asyncio.timeout(5):
        await waiting
    assert len(queue) == 3


async def test_a_lone_fresh_image_does_not_wait_for_a_backlog() -> None:
    queue = WorkQueue()
    queue.add_fresh(digest(1))
    async with asyncio.timeout(5):
        await queue.ready(25, lambda: 60.0)


@given(st.lists(st.tuples(st.sampled_from("abtpldg"), st.integers(0, 5)), max_size=60))
def test_nothing_is_lost_whatever_the_order(steps: list[tuple[str, int]]) -> None:
    async def play() -> None:
        queue, working, gone = WorkQueue(), set[Digest](), set[Digest]()
        offered: set[Digest] = set()
        for action, number in steps:
            mine = next(iter(sorted(working)), None)
            match action:
                case "a" | "b":
                    (queue.add if action == "a" else queue.add_fresh)(digest(number))
                    offered.add(digest(number))
                    gone.discard(digest(number))
                case "t":
                    taken = queue.take(number)
                    assert not working & set(taken)
                    working |= set(taken)
                case "p" if mine is not None:
                    queue.put_back([mine])
                    working.discard(mine)
                case "l" if mine is not None:
                    queue.later(mine, 3600)
                    working.discard(mine)
                case "d" if mine is not None:
                    queue.relook.clear()
                    queue.done(mine)
                    working.discard(mine)
                    if not queue.relook.is_set():
                        gone.add(mine)
                case "g" if mine is not None:
                    queue.give_up(mine)
                    working.discard(mine)
                    gone.add(mine)
                case _:
                    pass
        queue.hurry()
        left = queue.take(1000)
        assert len(left) == len(set(left))
        assert set(left) | working <= offered
        assert queue.in_flight == len(left) + len(working)

    asyncio.run(play())


async def test_what_just_arrived_is_asked_of_the_ledger_only_when_too_many_wait() -> None:
    queue = WorkQueue()
    for number in range(ROOM):
        queue.add_fresh(digest(number))
    assert not queue.relook.is_set()
    queue.add_fresh(digest(ROOM))
    assert queue.relook.is_set()


async def test_what_waits_to_be_tried_again_takes_no_room_and_is_not_forgotten() -> None:
    queue = WorkQueue()
    for number in range(3 * ROOM):
        queue.add(digest(number))
        for taken in queue.take(1):
            queue.later(taken, 0.02)
    assert queue.room == ROOM
    assert len(queue) == 0
    queue.relook.clear()
    async with asyncio.timeout(5):
        await queue.relook.wait()
        await queue.ready(ROOM, lambda: 1.0)
    assert len(queue.take(3 * ROOM)) == ROOM


async def test_what_is_expected_comes_when_it_is_called_or_after_a_while() -> None:
    queue = WorkQueue()
    queue.expect(digest(1), 60.0)
    queue.expect(digest(2), 0.01)
    queue.add(digest(1))  # it waits at most once
    assert len(queue) == 0
    queue.come(digest(3))
    async with asyncio.timeout(5):
        await queue.ready(1, lambda: 0.0)
    assert queue.take(9) == [digest(2)]
    queue.come(digest(1))
    assert queue.has_fresh
    assert queue.take(9) == [digest(1)]
