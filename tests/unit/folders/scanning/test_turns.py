"""Scans of whole folders take turns, and a disk that hangs has none."""

import asyncio

from support.rig import until

from syncd.folders.scanning.turns import ScanTurns
from syncd.heartbeat import Heartbeat

AT_ONCE = 1e-9  # seconds after which an operation of a test has stalled


class Scans:
    """Scans that begin in their turns, and end when the test ends them."""

    def __init__(self, turns: ScanTurns) -> None:
        self.begun: list[int] = []
        self._turns = turns
        self._ends: list[asyncio.Event] = []

    def start(self, tasks: asyncio.TaskGroup, heartbeat: Heartbeat | None = None) -> None:
        number = len(self._ends)
        self._ends.append(asyncio.Event())
        tasks.create_task(self._scan(number, heartbeat or Heartbeat()))

    def end(self, number: int) -> None:
        self._ends[number].set()

    async def _scan(self, number: int, heartbeat: Heartbeat) -> None:
        async with self._turns.turn(heartbeat):
            self.begun.append(number)
            await self._ends[number].wait()


async def test_a_scan_begins_once_fewer_than_the_limit_run_and_in_the_order_of_requests() -> None:
    scans = Scans(ScanTurns(2))
    async with asyncio.TaskGroup() as tasks:
        for _ in range(5):
            scans.start(tasks)
        await until(lambda: len(scans.begun) == 2)
        for number in range(3):
            scans.end(number)
            await until(lambda number=number: scans.begun == list(range(3 + number)))  # type: ignore[misc]
        for number in (3, 4):
            scans.end(number)


async def test_a_scan_that_hangs_leaves_its_turn_to_another() -> None:
    scans, hanging = Scans(ScanTurns(1)), Heartbeat(AT_ONCE)
    async with asyncio.TaskGroup() as tasks:
        with hanging.operation():
            scans.start(tasks, hanging)
            scans.start(tasks)
            await until(lambda: scans.begun == [0, 1])
        for number in (0, 1):
            scans.end(number)


async def test_a_cancelled_scan_leaves_its_turn_to_another() -> None:
    turns = ScanTurns(1)
    async with asyncio.timeout(5):
        async with turns.turn(Heartbeat()):
            waiting = asyncio.create_task(turns.turn(Heartbeat()).__aenter__())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
        async with turns.turn(Heartbeat()):
            pass
