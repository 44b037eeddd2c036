"""Bytes in flight are bounded over all accounts, and shared fairly."""

import asyncio
import random
from collections import Counter

from syncd.engine.semaphore import FairByteSemaphore
from syncd.model import AccountId

ONE, TWO, THREE = AccountId("1"), AccountId("2"), AccountId("3")


class Batches:
    """Batches that enter and stay until `leave` is called."""

    def __init__(self, room: int) -> None:
        self.in_flight = FairByteSemaphore(room)
        self.inside: list[str] = []
        self.waited: dict[str, bool] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._may_leave: dict[str, asyncio.Event] = {}

    async def enter(self, name: str, account: AccountId, size: int) -> None:
        self._may_leave[name] = asyncio.Event()
        self._tasks[name] = asyncio.create_task(self._hold(name, account, size))
        await rest()

    async def leave(self, name: str) -> None:
        self._may_leave[name].set()
        await self._tasks.pop(name)
        await rest()

    async def cancel(self, name: str) -> None:
        self._tasks[name].cancel()
        await asyncio.wait([self._tasks.pop(name)])
        await rest()

    async def _hold(self, name: str, account: AccountId, size: int) -> None:
        async with self.in_flight.acquire(account, size) as waited:
            self.inside.append(name)
            self.waited[name] = waited
            await self._may_leave[name].wait()
        self.inside.remove(name)


async def rest() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_batch_that_fits_enters_at_once_and_the_next_waits() -> None:
    batches = Batches(100)
    await batches.enter("a", ONE, 60)
    await batches.enter("b", TWO, 40)
    await batches.enter("c", THREE, 1)
    assert batches.inside == ["a", "b"]
    assert batches.in_flight.size == 100
    await batches.leave("b")
    assert batches.inside == ["a", "c"]
    assert batches.waited == {"a": False, "b": False, "c": True}


async def test_a_batch_larger_than_the_room_is_sent_alone() -> None:
    batches = Batches(100)
    await batches.enter("a", ONE, 10)
    await batches.enter("huge", TWO, 5000)
    await batches.enter("b", THREE, 1)
    assert batches.inside == ["a"]
    await batches.leave("a")
    assert batches.inside == ["huge"]
    await batches.leave("huge")
    assert batches.inside == ["b"]
    await batches.leave("b")
    assert batches.in_flight.size == 0


async def test_accounts_take_turns_however_many_batches_one_of_them_has() -> None:
    batches = Batches(10)
    await batches.enter("busy 0", ONE, 10)
    for number in range(1, 9):
        await batches.enter(f"busy {number}", ONE, 10)
    await batches.enter("other 0", TWO, 10)
    await batches.enter("other 1", TWO, 10)
    order = []
    for _ in range(5):
        (inside,) = batches.inside
        order.append(inside)
        await batches.leave(inside)
    assert order == ["busy 0", "busy 1", "other 0", "busy 2", "other 1"]


async def test_small_batches_do_not_overtake_a_large_one() -> None:
    batches = Batches(10)
    await batches.enter("s0", ONE, 5)
    await batches.enter("s1", ONE, 5)
    await batches.enter("large", TWO, 10)
    await batches.enter("s2", ONE, 1)
    await batches.leave("s0")
    assert batches.inside == ["s1"]
    await batches.leave("s1")
    assert batches.inside == ["large"]


async def test_a_cancelled_batch_does_not_delay_the_others() -> None:
    batches = Batches(10)
    await batches.enter("a", ONE, 6)
    await batches.enter("large", TWO, 10)
    await batches.enter("small", THREE, 4)
    await batches.cancel("large")
    assert batches.inside == ["a", "small"]
    await batches.cancel("a")
    await batches.cancel("small")
    assert batches.in_flight.size == 0


async def test_a_batch_that_is_cancelled_after_it_was_granted_room_returns_it() -> None:
    in_flight = FairByteSemaphore(10)
    entered = []

    async def hold(name: str) -> None:
        async with in_flight.acquire(AccountId(name), 10):
            entered.append(name)

    async with in_flight.acquire(ONE, 10):
        tasks = [asyncio.create_task(hold(name)) for name in "bc"]
        await rest()
    tasks[0].cancel()  # its room has been granted, and it has not run yet
    await asyncio.wait(tasks)
    assert entered == ["c"]
    assert in_flight.size == 0


async def test_the_room_is_never_exceeded_and_every_batch_enters() -> None:
    draw = random.Random(7)
    in_flight = FairByteSemaphore(100)
    done: Counter[str] = Counter()
    now, most = 0, 0

    async def worker(account: str) -> None:
        nonlocal now, most
        for _ in range(50):
            size = draw.randint(0, 100)
            async with in_flight.acquire(AccountId(account), size):
                now += size
                most = max(most, now)
                for _ in range(draw.randint(0, 3)):
                    await asyncio.sleep(0)
                now -= size
            done[account] += 1

    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        for number in range(30):
            tasks.create_task(worker(str(number % 7)))
    assert 90 <= most <= 100
    assert in_flight.size == 0
    assert done.total() == 1500


async def test_a_batch_without_bytes_does_not_wait() -> None:
    batches = Batches(10)
    await batches.enter("a", ONE, 10)
    await batches.enter("b", TWO, 10)
    await batches.enter("nothing", THREE, 0)
    assert batches.inside == ["a", "nothing"]
