"""Sixteen processes that share the limit of one app: a simulation of hours without a clock.

Each process has accounts with one token. An account sends one call after its pause; if that fails,
all accounts of the process pause for as long as the rules say. The limit blocks the app for a time
that no header states, and each call during the block makes it longer.
"""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from syncd.rules.backoff import pause_length, spread
from syncd.rules.errors import Verdict

PROCESSES, ACCOUNTS = 16, 12
BLOCK = 300.0  # seconds that the documentation states, and that the first pause lasts for
GROWTH = 3.0  # seconds that each call during the block adds to it
LATENCY = 0.4  # seconds until the response, during which another account may send its call


@dataclass
class Outcome:
    """The calls of all processes, by their time."""

    blocked_until: float
    in_block: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)

    @property
    def most_in_a_second(self) -> int:
        return max(sum(at <= other < at + 1 for other in self.after) for at in self.after)


def simulate(seed: int, block: float, joined: Callable[[float, float], float] = spread) -> Outcome:
    """Return the calls from the first error, at 0, until each account has sent one after it."""
    dice, outcome = random.Random(seed), Outcome(block)
    until: dict[tuple[int, int], float] = {}
    tries = [0] * PROCESSES
    due: list[tuple[float, int, int, bool]] = []  # time, process, account, is it a response

    def pause(now: float, process: int, met: int) -> None:
        tries[process] += 1
        length = pause_length(Verdict.PAUSE_TOKEN, None, tries[process], dice.random(), BLOCK)
        for account in range(ACCOUNTS):
            seconds = length if account == met else joined(length, dice.random())
            until[process, account] = max(until.get((process, account), 0.0), now + seconds)
            heapq.heappush(due, (until[process, account], process, account, False))

    for process in range(PROCESSES):
        pause(0.0, process, 0)
    is_done = set[tuple[int, int]]()
    while due:
        now, process, account, is_response = heapq.heappop(due)
        if is_response:
            pause(now, process, account)
        elif (process, account) in is_done or until[process, account] > now:
            continue  # the pause has become longer
        elif now < outcome.blocked_until:
            outcome.in_block.append(now)
            outcome.blocked_until += GROWTH
            until[process, account] = now + LATENCY + 1  # no second call before the response
            heapq.heappush(due, (now + LATENCY, process, account, True))
        else:
            outcome.after.append(now)
            is_done.add((process, account))
    return outcome


@pytest.mark.parametrize(
    ("block", "calls", "in_a_second"), [(300.0, 0, 16), (1800.0, 40, 10), (10800.0, 90, 5)]
)
def test_processes_of_one_app_send_few_calls_into_its_block_and_resume_one_after_another(
    block: float, calls: int, in_a_second: int
) -> None:
    """Of 192 accounts, over 20 seeds, with and without a jitter of each account of a process:

    block     calls in the block   most first calls in one second after it
    5 min     0 (0)                14 (48)
    30 min    37 (192)             8 (36)
    3 h       85 (768)             4 (36)
    """
    for seed in range(20):
        outcome = simulate(seed, block)
        assert len(outcome.after) == PROCESSES * ACCOUNTS
        assert len(outcome.in_block) <= calls
        assert outcome.most_in_a_second <= in_a_second


def test_accounts_without_a_jitter_of_their_own_send_a_storm() -> None:
    outcome = simulate(0, 1800.0, lambda seconds, _: seconds)
    assert len(outcome.in_block) == PROCESSES * ACCOUNTS
    assert outcome.most_in_a_second >= ACCOUNTS
