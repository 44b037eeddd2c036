"""Bytes in flight: bounded over all accounts, and shared fairly."""

import asyncio
import random
from collections import Counter

from syncd.engine.semaphore import FairByteSemaphore
from syncd.model import AccountId

ONE, TWO, THREE = AccountId("1"), AccountId("2"), AccountId("3")


class Packs:
    """Packs that enter and stay until they are told to leave."""

    def __init__(self, room: int) -> None:
        self.in_flight = FairByteSemaphore(room)
        self.inside: list[str] = []
        self.waited: dict[str, bool] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._leave: dict[str, asyncio.Event] = {}

    async def come(self, name: str, account: AccountId, size: int) -> None:
        self._leave[name] = asyncio.Event()
        self._tasks[name] = asyncio.create_task(self._carry(name, account, size))
        await rest()

    async def go(self, name: str) -> None:
        self._leave[name].set()
        await self._tasks.pop(name)
        await rest()

    async def cancel(self, name: str) -> None:
        self._tasks[name].cancel()
        await asyncio.wait([self._tasks.pop(name)])
        await rest()

    async def _carry(self, name: str, account: AccountId, size: int) -> None:
        async with self.in_flight.carry(account, size) as waited:
            self.inside.append(name)
            self.waited[name] = waited
            await self._leave[name].wait()
        self.inside.remove(name)


async def rest() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_fits_enters_at_once_and_the_rest_waits() -> None:
    packs = Packs(100)
    await packs.come("a", ONE, 60)
    await packs.come("b", TWO, 40)
    await packs.come("c", THREE, 1)
    assert packs.inside == ["a", "b"]
    assert packs.in_flight.size == 100
    await packs.go("b")
    assert packs.inside == ["a", "c"]
    assert packs.waited == {"a": False, "b": False, "c": True}


async def test_a_pack_larger_than_the_room_goes_alone() -> None:
    packs = Packs(100)
    await packs.come("a", ONE, 10)
    await packs.come("huge", TWO, 5000)
    await packs.come("b", THREE, 1)
    assert packs.inside == ["a"]
    await packs.go("a")
    assert packs.inside == ["huge"]
    await packs.go("huge")
    assert packs.inside == ["b"]
    await packs.go("b")
    assert packs.in_flight.size == 0


async def test_accounts_take_turns_however_many_packs_one_of_them_has() -> None:
    packs = Packs(10)
    await packs.come("busy 0", ONE, 10)
    for number in range(1, 9):
        await packs.come(f"busy {number}", ONE, 10)
    await packs.come("other 0", TWO, 10)
    await packs.come("other 1", TWO, 10)
    order = []
    for _ in range(5):
        (inside,) = packs.inside
        order.append(inside)
        await packs.go(inside)
    assert order == ["busy 0", "busy 1", "other 0", "busy 2", "other 1"]


async def test_no_small_pack_passes_a_large_one_for_ever() -> None:
    packs = Packs(10)
    await packs.come("s0", ONE, 5)
    await packs.come("s1", ONE, 5)
    await packs.come("large", TWO, 10)
    await packs.come("s2", ONE, 1)
    await packs.go("s0")
    assert packs.inside == ["s1"]
    await packs.go("s1")
    assert packs.inside == ["large"]


async def test_one_that_is_cancelled_holds_nobody_up() -> None:
    packs = Packs(10)
    await packs.come("a", ONE, 6)
    await packs.come("large", TWO, 10)
    await packs.come("small", THREE, 4)
    await packs.cancel("large")
    assert packs.inside == ["a", "small"]
    await packs.cancel("a")
    await packs.cancel("small")
    assert packs.in_flight.size == 0


async def test_one_that_is_cancelled_as_its_turn_comes_gives_it_back() -> None:
    in_flight = FairByteSemaphore(10)
    entered = []

    async def carry(name: str) -> None:
        async with in_flight.carry(AccountId(name), 10):
            entered.append(name)

    async with in_flight.carry(ONE, 10):
        tasks = [asyncio.create_task(carry(name)) for name in "bc"]
        await rest()
    tasks[0].cancel()  # its room has been granted, and it has not run yet
    await asyncio.wait(tasks)
    assert entered == ["c"]
    assert in_flight.size == 0


async def test_never_more_than_the_room_and_everybody_gets_in() -> None:
    draw = random.Random(7)
    in_flight = FairByteSemaphore(100)
    done: Counter[str] = Counter()
    now, most = 0, 0

    async def worker(account: str) -> None:
        nonlocal now, most
        for _ in range(50):
            size = draw.randint(0, 100)
            async with in_flight.carry(AccountId(account), size):
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


async def test_nothing_to_carry_waits_for_nobody() -> None:
    packs = Packs(10)
    await packs.come("a", ONE, 10)
    await packs.come("b", TWO, 10)
    await packs.come("nothing", THREE, 0)
    assert packs.inside == ["a", "nothing"]
