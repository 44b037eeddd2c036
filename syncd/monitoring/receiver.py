"""One receiver of notifications: it gets what it has not accepted yet, until it accepts that.

Nothing waits for a receiver, and nothing is kept in memory for it: each try reads from the ledger
what is still to be sent. It is recorded as sent once the receiver has accepted it. A crash between
the two sends it again.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping, Sequence

import msgspec
import structlog

from syncd.config import NotifyConfig
from syncd.ledger import alerts, receivers
from syncd.ledger.database import Ledger
from syncd.ledger.receivers import Pending
from syncd.log import Log
from syncd.monitoring.entries import Entry, Names, image_entry, whats
from syncd.monitoring.errors import DeliveryError
from syncd.monitoring.feed import Feed
from syncd.monitoring.news import Change, change, retry_delay, seconds_until_due
from syncd.monitoring.transport import Transport, open_transport

log: Log = structlog.get_logger()

PAGE = 100
"""Images of one notification as JSON, and the others of the commit of the last one."""

SAMPLE = 20
"""Images of one notification as text."""

_SKIP_ROWS, _SKIP_SECONDS = 1000, 3600.0
"""A position that no notification moves is recorded after this number of rows or seconds."""


def code_of(receiver: NotifyConfig) -> str:
    """Return a code that is the same for the same receiver and topics in every configuration."""
    source = receiver.url
    kind = None if source is None else (type(source).__name__, msgspec.structs.astuple(source))
    identity = (kind, receiver.command, sorted(receiver.on))
    return hashlib.sha256(msgspec.json.encode(identity)).hexdigest()[:16]


def subject_of(code: str) -> str:
    """Return the subject of a receiver's incidents."""
    return f"notify.{code}"


class _News(msgspec.Struct, frozen=True, kw_only=True):
    """The news that a receiver has not accepted; `has_more` when images follow that did not fit."""

    entries: Sequence[Entry]
    change: Change
    pending: Pending
    has_more: bool

    @property
    def images(self) -> int:
        return sum(self.pending.counts.values())


class Receiver:
    """The state of one receiver that is not in the ledger."""

    def __init__(
        self,
        config: NotifyConfig,
        ledger: Ledger,
        names: Names,
        feed: Feed,
        environ: Mapping[str, str],
    ) -> None:
        self.name = config.name
        self.code = code_of(config)
        self._config = config
        self._ledger = ledger
        self._names = names
        self._feed = feed
        self._environ = environ
        self._transport: Transport | None = None
        self._seen = 0  # the last row of the history that was read and does not concern it
        self._skipped_at = time.monotonic()
        self._in_digest = False  # more pages of it follow

    async def run(self) -> None:
        """Notify the receiver until cancelled; a failed try is repeated, forever."""
        tries = 0
        while True:
            changed = self._feed.changed
            try:
                wait = await self._notify()
            except DeliveryError as error:
                tries += 1
                await self.report(error)
                await asyncio.sleep(retry_delay(tries))
                continue
            tries = 0
            if wait is None:
                await changed.wait()
            else:
                await asyncio.sleep(wait)

    async def finish(self, entries: Sequence[Entry]) -> None:
        """Send all that is left with these entries, although `every` has not passed.

        Raises DeliveryError, after which what is in the ledger is left for the next process.
        """
        while True:
            news = await self._news(await self._opened())
            last = [] if news.has_more else list(entries)
            if news.entries or last:
                await self._send([*news.entries, *last], news)
            if not news.has_more:
                return

    async def _notify(self) -> float | None:
        """Send what is due; return the seconds until the next try, or None to wait for a change."""
        if self._feed.alerts is None:
            return None
        news = await self._news(await self._opened())
        if not news.entries:
            await self._skip(news)
            return None
        sent_at = news.pending.position.sent_at
        wait = seconds_until_due(sent_at, self._config.every, time.time())
        if wait > 0 and not self._in_digest:
            return wait
        await self._send(news.entries, news)
        self._in_digest = news.has_more
        return 0.0

    async def _opened(self) -> Transport:
        if self._transport is None:
            self._transport = await open_transport(self._config, self._environ)
        return self._transport

    async def _news(self, transport: Transport) -> _News:
        on, now = frozenset(self._config.on), time.time()
        summed = transport.is_summary
        limit = SAMPLE if summed else PAGE
        pending = receivers.pending(self.code, whats(on), limit, seen=self._seen, summed=summed)
        found = await self._ledger.read(pending)
        if found.removed:
            log.warning("notify.incomplete", receiver=self.name, rows=found.removed)
            removed = max(self._seen, found.position.history_id) + found.removed
            await self._ledger.write(receivers.skip(self.code, removed))
        new = change(self._feed.alerts or (), found.known, on)
        return _News(
            entries=[
                *new.entries(on, now),
                *(image_entry(row, self._names) for row in found.rows),
            ],
            change=new,
            pending=found,
            has_more=not summed and len(found.rows) >= limit,
        )

    async def _send(self, entries: Sequence[Entry], news: _News) -> None:
        transport = await self._opened()
        images = news.images if transport.is_summary else None
        await transport.send(entries, images)
        await self._ledger.write(
            receivers.accept(
                self.code,
                news.pending.end,
                time.time(),
                begun=news.change.known,
                ended=news.change.ended,
            )
        )
        ended = alerts.end("notify.failing", subject_of(self.code), time.time())
        if (duration := await self._ledger.write(ended)) is not None:
            log.notice("notify.recovered", receiver=self.name, duration=duration)

    async def _skip(self, news: _News) -> None:
        """Record what the receiver does not get, as far as that is worth a write."""
        if news.change != Change():
            known = receivers.know(self.code, begun=news.change.known, ended=news.change.ended)
            await self._ledger.write(known)
        self._seen, now = news.pending.end, time.monotonic()
        unrecorded = self._seen - news.pending.position.history_id
        is_late = now - self._skipped_at >= _SKIP_SECONDS
        if unrecorded >= _SKIP_ROWS or (unrecorded and is_late):
            await self._ledger.write(receivers.skip(self.code, self._seen))
            self._skipped_at = now

    async def report(self, error: DeliveryError) -> None:
        """Log once that the receiver fails, until it accepts a notification again."""
        self._transport = None  # its URL is read again
        why = str(error)
        begun = alerts.begin("notify.failing", subject_of(self.code), why, time.time())
        if await self._ledger.write(begun):
            log.warning("notify.failing", receiver=self.name, why=why)
