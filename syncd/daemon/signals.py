"""The end of a run: intake stops at once, calls under way end, and there is a limit to it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Iterator

import structlog

from syncd.daemon.notify import Notifier
from syncd.log import Log

log: Log = structlog.get_logger()

DRAIN = 30.0
"""Seconds that calls under way have to end once the process is told to stop."""


@contextlib.contextmanager
def stop_signals(manager: Notifier) -> Iterator[asyncio.Event]:
    """Return an event that SIGTERM and SIGINT set; the second signal ends the process as usual."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def heard(number: signal.Signals) -> None:
        log.notice("daemon.stopping", signal=number.name)
        manager.tell("STOPPING=1", "STATUS=Stopping: calls under way end.")
        stop.set()
        forget()

    def forget() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, heard, number)
    try:
        yield stop
    finally:
        forget()


@contextlib.contextmanager
def stopped_by_hangup(stop: asyncio.Event) -> Iterator[None]:
    """Let SIGHUP set `stop` too: a terminal was closed, which says so more than once.

    Under nohup it stays ignored.
    """
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        yield
        return
    loop = asyncio.get_running_loop()

    def heard() -> None:
        if not stop.is_set():
            log.notice("daemon.stopping", signal=signal.SIGHUP.name)
            stop.set()

    loop.add_signal_handler(signal.SIGHUP, heard)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


async def run_until(
    stop: asyncio.Event, work: Callable[[asyncio.TaskGroup], Awaitable[None]]
) -> bool:
    """Run work until it ends or `stop` is set; tell whether it ended by itself.

    What work has handed to the task group it was given is then waited for, DRAIN seconds at most.
    """
    try:
        async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as carrying:
            working = carrying.create_task(_as_coroutine(work, carrying), name="work")
            stopping = carrying.create_task(stop.wait(), name="stop")
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            ended = working.done()
            working.cancel()
            stopping.cancel()
            limit.reschedule(asyncio.get_running_loop().time() + DRAIN)
    except TimeoutError:
        log.warning("daemon.cut_off", seconds=DRAIN)
        ended = False
    return ended


async def _as_coroutine(
    work: Callable[[asyncio.TaskGroup], Awaitable[None]], carrying: asyncio.TaskGroup
) -> None:
    await work(carrying)


def hold_hangups() -> None:
    """Let a SIGHUP wait from now on; to be called before any thread is started."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})


def hear_hangups() -> asyncio.Event:
    """Return an event that every SIGHUP sets, also one that waited, until the loop is closed."""
    hangup = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hangup.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    return hangup
