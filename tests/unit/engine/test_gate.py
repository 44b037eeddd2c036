"""The gate: no call passes while it is shut, and one call goes first afterwards."""

import asyncio

from syncd.engine.gate import Gate


async def start_callers(gate: Gate, callers: int) -> list[asyncio.Task[None]]:
    """Start callers and let them get as far as they can."""
    tasks = [asyncio.create_task(gate.enter()) for _ in range(callers)]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


def entered(tasks: list[asyncio.Task[None]]) -> int:
    return sum(task.done() for task in tasks)


async def end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_every_caller_enters_an_open_gate() -> None:
    tasks = await start_callers(Gate(), 5)
    assert entered(tasks) == 5


async def test_no_caller_enters_a_shut_gate() -> None:
    gate = Gate()
    gate.shut_for(3600)
    tasks = await start_callers(gate, 5)
    assert entered(tasks) == 0
    await end(tasks)


async def test_one_call_enters_after_a_pause_and_its_success_opens_the_gate() -> None:
    gate = Gate()
    gate.shut_for(0.01)
    tasks = await start_callers(gate, 5)
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    assert entered(tasks) == 1
    gate.record_success()
    await asyncio.gather(*tasks)


async def test_a_caller_that_cancels_lets_another_enter() -> None:
    gate = Gate()
    gate.shut_for(0.01)
    tasks = await start_callers(gate, 2)
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    gate.cancel()
    await asyncio.gather(*tasks)


async def test_a_first_call_that_fails_shuts_the_gate_for_all() -> None:
    gate = Gate()
    gate.shut_for(0.01)
    tasks = await start_callers(gate, 3)
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    gate.shut_for(3600)
    await asyncio.sleep(0)
    assert entered(tasks) == 1
    await end(tasks)


async def test_a_response_to_an_earlier_call_does_not_open_a_shut_gate() -> None:
    gate = Gate()
    gate.shut_for(3600)
    gate.record_success()
    assert gate.is_shut


async def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    gate = Gate()
    gate.shut_for(3600)
    gate.shut_for(0.0)
    tasks = await start_callers(gate, 1)
    assert entered(tasks) == 0
    await end(tasks)


async def test_a_pause_does_not_end_a_stop_but_reopening_does() -> None:
    gate = Gate()
    gate.shut_until_reopened()
    gate.shut_for(0.0)
    tasks = await start_callers(gate, 2)
    assert entered(tasks) == 0
    gate.reopen()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert entered(tasks) == 1
    await end(tasks)


async def test_a_caller_may_try_to_enter_without_waiting() -> None:
    gate = Gate()
    assert gate.try_enter()
    gate.shut_for(0.0)
    assert not gate.try_enter()
    await gate.wait_enterable()
    assert gate.try_enter()
    assert not gate.try_enter()
    gate.record_success()
    assert gate.try_enter()


async def test_no_caller_enters_a_locked_gate_whatever_its_state_becomes() -> None:
    gate = Gate()
    gate.lock()
    assert gate.is_shut
    assert not gate.try_enter()
    tasks = [asyncio.create_task(gate.enter())]
    gate.shut_until_reopened()
    gate.reopen()
    gate.record_success()
    for _ in range(3):
        await asyncio.sleep(0)
    assert entered(tasks) == 0
    gate.unlock()
    await asyncio.gather(*tasks)
    assert entered(tasks) == 1


async def test_a_gate_that_is_unlocked_is_as_shut_as_before() -> None:
    gate = Gate()
    gate.lock()
    gate.shut_until_reopened()
    gate.unlock()
    assert gate.is_shut
    assert not gate.try_enter()
