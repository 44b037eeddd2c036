"""Waiting in a test for the work of a thread or a process."""

import time
from collections.abc import Callable

DEADLINE = 20.0  # seconds


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition; fail if it does not hold in time."""
    last = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < last, "the condition did not hold in time"
        time.sleep(0.005)
