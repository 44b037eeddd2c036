"""Whether a part has stalled, as its operations show it."""

import asyncio
import time

from syncd.heartbeat import CHECK_EVERY, STALLED_AFTER, Heartbeat, wait_unless_stalled

LATER = 1000.0


def now() -> float:
    return time.monotonic()


def test_a_part_between_its_operations_is_not_idle() -> None:
    part = Heartbeat()
    assert part.idle_for(now() + LATER) == 0.0
    with part.operation():
        pass
    assert part.idle_for(now() + LATER) == 0.0
    assert not part.is_stalled()


def test_an_operation_without_progress_is_idle() -> None:
    part = Heartbeat()
    with part.operation():
        assert not part.is_stalled()
        assert LATER <= part.idle_for(now() + LATER) < LATER + STALLED_AFTER


def test_a_part_is_idle_for_as_long_as_its_slowest_operation() -> None:
    part = Heartbeat()
    with part.operation() as slow, part.operation() as stuck:
        began = now()
        while now() < began + 0.01:
            slow.beat()
        then = now()
        assert slow.idle_for(then) < stuck.idle_for(then)
        assert part.idle_for(then) == stuck.idle_for(then) >= 0.01
    assert part.idle_for(now()) == 0.0


def test_an_operation_is_not_idle_within_its_limit() -> None:
    part = Heartbeat()
    with part.operation(LATER):
        assert part.idle_for(now() + LATER - 1) == 0.0
        assert part.idle_for(now() + LATER + 1) > 0.0


def test_a_part_that_never_completed_an_operation_has_not_worked() -> None:
    part = Heartbeat()
    with part.operation():
        assert part.worked_for(now() + LATER) == 0.0


def test_the_time_that_a_part_worked_ends_with_its_last_progress() -> None:
    part = Heartbeat()
    with part.operation():
        pass
    assert part.worked_for(now() + LATER) >= LATER
    with part.operation():
        assert part.worked_for(now() + LATER) < 1.0


async def test_a_wait_ends_when_its_condition_holds() -> None:
    done = asyncio.Event()
    with Heartbeat().operation() as operation:
        waiting = asyncio.create_task(wait_unless_stalled(done.is_set, done.wait, operation))
        await asyncio.sleep(0)
        assert not waiting.done()
        done.set()
        assert await waiting


async def test_a_wait_ends_when_the_part_stalls() -> None:
    event, part = asyncio.Event(), Heartbeat(stalled_after=CHECK_EVERY / 2)
    with part.operation():
        assert not await wait_unless_stalled(event.is_set, event.wait, part)
    async with asyncio.timeout(CHECK_EVERY):
        event.set()
        assert await wait_unless_stalled(event.is_set, event.wait, part)
