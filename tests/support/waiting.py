"""Waiting in a test for what a thread does."""

import time
from collections.abc import Callable

DEADLINE = 20.0  # seconds


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition; fail when it does not come true."""
    last = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < last, "not within the time it had"
        time.sleep(0.005)
