"""Notifications and pings of a configuration, while `syncd run` or `syncd backfill` works."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from syncd.config import Config, Topic
from syncd.daemon.backfill_result import AccountResult, Result
from syncd.engine.stats import reasons
from syncd.ledger import receivers
from syncd.ledger.database import Ledger
from syncd.log import timestamp_of
from syncd.monitoring.entries import BackfillEntry, Names
from syncd.monitoring.errors import DeliveryError
from syncd.monitoring.feed import POLL, Feed
from syncd.monitoring.ping import FAIL, START, Pinger
from syncd.monitoring.receiver import Receiver, code_of
from syncd.monitoring.text import text_of
from syncd.rules.sync import Sync

LAST_TRIES = 10.0
"""Seconds for which a backfill that has ended waits for receivers; after a signal, 2 s."""

_AFTER_SIGNAL = 2.0
_BETWEEN_TRIES = 1.0  # seconds


class Notifications:
    """The receivers and the pings of one configuration."""

    def __init__(
        self, config: Config, ledger: Ledger, environ: Mapping[str, str], poll: float = POLL
    ) -> None:
        """`poll` is the number of seconds between two looks at the ledger."""
        names = config.names()
        folders = {folder.path: str(name) for name, folder in config.folders.items()}
        self._ledger = ledger
        self._feed = Feed(ledger, names, poll)
        self._on = {code_of(one): one.on for one in config.notify}
        self._receivers = [
            Receiver(
                one,
                ledger,
                Names(names, folders),
                self._feed,
                config.environ_for(one.url, environ),
            )
            for one in config.notify
        ]
        self._pinger: Pinger | None = None
        if config.ping.url is not None:
            self._pinger = Pinger(
                config.ping, ledger, self._feed, config.environ_for(config.ping.url, environ)
            )

    async def register(self) -> None:
        """Record the receivers in the ledger, before anything happens that they are notified of."""
        if await self._ledger.read(receivers.registered()) != set(self._on):
            await self._ledger.write(receivers.register(list(self._on)))

    async def run(self, *, backfill: bool) -> None:
        """Notify until cancelled; of a backfill, pings report the begin, and `finish` the end."""
        async with asyncio.TaskGroup() as tasks:
            if self._receivers or (self._pinger and not backfill):
                tasks.create_task(self._feed.run(), name="feed of notifications")
            for receiver in self._receivers:
                tasks.create_task(receiver.run(), name="receiver of notifications")
            if self._pinger is not None:
                pinging = self._pinger.send(START, "") if backfill else self._pinger.run()
                tasks.create_task(pinging, name="pings")

    async def finish(self, result: Result, limit: float = LAST_TRIES) -> None:
        """Notify of the end of a backfill, for at most `limit` seconds.

        What is not accepted in time waits in the ledger, except for the end of the backfill itself:
        that is logged.
        """
        if not self._receivers and self._pinger is None:
            return
        await self._feed.refresh()
        entries = [_entry(name, one) for name, one in result.accounts.items()]
        limit = min(limit, _AFTER_SIGNAL) if result.interrupted else limit
        sending: list[tuple[Receiver | Pinger, asyncio.Task[object]]] = []
        try:
            async with asyncio.timeout(limit), asyncio.TaskGroup() as tasks:
                for receiver in self._receivers:
                    is_notified = Topic.BACKFILL_DONE in self._on[receiver.code]
                    last = _last(receiver, entries if is_notified else [])
                    sending.append((receiver, tasks.create_task(last)))
                if self._pinger is not None:
                    signal = FAIL if result.sync is Sync.MISSING else ""
                    ping = self._pinger.send(signal, text_of(entries, "")[1])
                    sending.append((self._pinger, tasks.create_task(ping)))
        except TimeoutError:
            why = f"it had not accepted the last message {limit:g} s after the backfill ended"
            for one, task in sending:
                if task.cancelled():
                    await one.report(DeliveryError(why))


@asynccontextmanager
async def notifying(
    config: Config,
    ledger: Ledger,
    environ: Mapping[str, str],
    *,
    backfill: bool = False,
    poll: float = POLL,
) -> AsyncIterator[Notifications]:
    """Notify the receivers of a configuration inside the block."""
    notifications = Notifications(config, ledger, environ, poll)
    await notifications.register()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(notifications.run(backfill=backfill), name="notifications")
        yield notifications
        running.cancel()


async def _last(receiver: Receiver, entries: Sequence[BackfillEntry]) -> None:
    """Notify a receiver of what is left, and of these entries, until it accepts them."""
    while True:
        try:
            return await receiver.finish(entries)
        except DeliveryError as error:
            await receiver.report(error)
        await asyncio.sleep(_BETWEEN_TRIES)


def _entry(name: str, account: AccountResult) -> BackfillEntry:
    tally = account.tally
    return BackfillEntry(
        on=Topic.BACKFILL_DONE,
        event=Topic.BACKFILL_DONE.value,
        timestamp=timestamp_of(time.time()),
        account=name,
        sync=tally.sync.value,
        wanted=tally.wanted,
        held=tally.held,
        missing=tally.missing,
        rejected=tally.rejected,
        uploaded=account.uploaded,
        copied=account.copied,
        rejections=reasons(account.reasons.rejected),
        troubles=reasons(account.reasons.missing),
        why=account.trouble,
    )
