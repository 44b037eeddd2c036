"""Signals: SIGTERM and SIGINT stop the process, SIGHUP reloads the configuration."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import structlog

from syncd.daemon.notify import Notifier
from syncd.log import Log

log: Log = structlog.get_logger()

DRAIN = 30.0
"""Seconds that calls in flight have to end after the signal to stop."""


def block_hangups() -> None:
    """Keep every SIGHUP pending from now on; must be called before any thread is started."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})


def listen_for_hangups() -> asyncio.Event:
    """Return an event that every SIGHUP sets, a pending one too, until the loop is closed."""
    hangup = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hangup.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    return hangup


@contextmanager
def stop_signals(manager: Notifier) -> Iterator[asyncio.Event]:
    """Yield an event that SIGTERM and SIGINT set; a second signal ends the process at once."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def on_signal(number: signal.Signals) -> None:
        log.notice("daemon.stopping", signal=number.name)
        manager.send("STOPPING=1", "STATUS=Stopping: waiting for calls in flight.")
        stop.set()
        remove_handlers()

    def remove_handlers() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield stop
    finally:
        remove_handlers()


@contextmanager
def stop_on_hangup(stop: asyncio.Event) -> Iterator[None]:
    """Let SIGHUP set `stop` inside the block, except under nohup, where it stays ignored.

    A terminal that is closed can send it more than once.
    """
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        yield
        return
    loop = asyncio.get_running_loop()

    def on_hangup() -> None:
        if not stop.is_set():
            log.notice("daemon.stopping", signal=signal.SIGHUP.name)
            stop.set()

    loop.add_signal_handler(signal.SIGHUP, on_hangup)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


async def run_until(
    stop: asyncio.Event, work: Callable[[asyncio.TaskGroup], Awaitable[None]]
) -> bool:
    """Run `work` until it ends or `stop` is set; return whether it ended by itself.

    `work` starts its calls in the task group that it is given. They are not cancelled with it, but
    have DRAIN seconds to end.
    """
    try:
        async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as sends:
            working = sends.create_task(_as_coroutine(work, sends), name="work")
            stopping = sends.create_task(stop.wait(), name="stop")
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
    work: Callable[[asyncio.TaskGroup], Awaitable[None]], sends: asyncio.TaskGroup
) -> None:
    await work(sends)
