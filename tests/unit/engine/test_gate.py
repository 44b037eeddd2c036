"""Nothing passes a shut gate, and one call tries it first."""

import asyncio

from syncd.engine.gate import Gate


async def passed(gate: Gate, callers: int) -> list[asyncio.Task[None]]:
    """Start callers and let them get as far as they can."""
    tasks = [asyncio.create_task(gate.pass_through()) for _ in range(callers)]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


def through(tasks: list[asyncio.Task[None]]) -> int:
    return sum(task.done() for task in tasks)


async def end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_an_open_gate_lets_everybody_pass() -> None:
    tasks = await passed(Gate(), 5)
    assert through(tasks) == 5


async def test_nobody_passes_a_shut_gate() -> None:
    gate = Gate()
    gate.shut_for(3600)
    tasks = await passed(gate, 5)
    assert through(tasks) == 0
    await end(tasks)


async def test_one_call_tries_the_gate_after_a_pause_and_opens_it_for_the_rest() -> None:
    gate = Gate()
    gate.shut_for(0.01)
    tasks = await passed(gate, 5)
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    assert through(tasks) == 1
    gate.went_through()
    await asyncio.gather(*tasks)


async def test_who_turns_back_lets_another_try() -> None:
    gate = Gate()
    gate.shut_for(0.01)
    tasks = await passed(gate, 2)
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    gate.turn_back()
    await asyncio.gather(*tasks)


async def test_a_try_that_fails_shuts_it_again_for_all() -> None:
    gate = Gate()
    gate.shut_for(0.01)
    tasks = await passed(gate, 3)
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    gate.shut_for(3600)
    await asyncio.sleep(0)
    assert through(tasks) == 1
    await end(tasks)


async def test_an_answer_to_an_older_call_does_not_open_a_shut_gate() -> None:
    gate = Gate()
    gate.shut_for(3600)
    gate.went_through()
    assert gate.shut


async def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    gate = Gate()
    gate.shut_for(3600)
    gate.shut_for(0.0)
    tasks = await passed(gate, 1)
    assert through(tasks) == 0
    await end(tasks)


async def test_a_pause_does_not_end_a_stop_and_a_person_does() -> None:
    gate = Gate()
    gate.shut_for_good()
    gate.shut_for(0.0)
    tasks = await passed(gate, 2)
    assert through(tasks) == 0
    gate.reopen()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert through(tasks) == 1
    await end(tasks)


async def test_who_need_not_wait_passes_at_once_and_tries_a_gate_that_was_shut() -> None:
    gate = Gate()
    assert gate.pass_now()
    gate.shut_for(0.0)
    assert not gate.pass_now()
    await gate.passable()
    assert gate.pass_now()
    assert not gate.pass_now()
    gate.went_through()
    assert gate.pass_now()
