"""SIGHUP: it waits until somebody hears it, so that none is lost and none ends the process."""

from __future__ import annotations

import asyncio
import signal


def hold_hangups() -> None:
    """Let a SIGHUP wait from now on; to be called before any thread is started."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})


def hear_hangups() -> asyncio.Event:
    """Return an event that every SIGHUP sets, also one that waited, until the loop is closed."""
    hangup = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hangup.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    return hangup
