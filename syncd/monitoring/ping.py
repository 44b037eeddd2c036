"""Pings of a monitor that notices when they stop, such as healthchecks.io."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit

import structlog

from syncd import __version__
from syncd.config import PingConfig, SecretSource
from syncd.ledger import alerts
from syncd.ledger.alerts import Alert
from syncd.ledger.database import Ledger
from syncd.log import Log
from syncd.logs.secrets import without_secrets
from syncd.monitoring.errors import DeliveryError
from syncd.monitoring.feed import Feed
from syncd.monitoring.news import retry_delay
from syncd.monitoring.transport import read_url

log: Log = structlog.get_logger()

SUBJECT = "ping"
"""The subject of the incident that pings fail."""

FAIL, START = "fail", "start"

_MAX_BODY = 10_000
"""Characters of the body of a ping, as healthchecks.io keeps them at least."""


def with_signal(url: str, signal: str) -> str:
    """Return the URL with a last part of its path; its query is kept."""
    parts = urlsplit(url)
    path = f"{parts.path.rstrip('/')}/{signal}" if signal else parts.path
    return urlunsplit(parts._replace(path=path))


def alerts_text(found: Sequence[Alert]) -> str:
    """Return what needs the operator, and what to do."""
    lines = (f"{one.event} {one.subject}: {one.why}. {one.remedy}" for one in found)
    return "\n".join(lines)


class Pinger:
    """The pings of one process."""

    def __init__(
        self, config: PingConfig, ledger: Ledger, feed: Feed, environ: Mapping[str, str]
    ) -> None:
        self._config = config
        self._ledger = ledger
        self._feed = feed
        self._environ = environ
        self._url: str | None = None

    async def run(self) -> None:
        """Ping every `every` seconds, and when the first alert begins or the last one ends."""
        tries, failing, due = 0, False, 0.0
        while True:
            changed, found, now = self._feed.changed, self._feed.alerts, time.monotonic()
            if found is None:
                await changed.wait()
                continue
            if now >= due or failing != bool(found):
                failing = bool(found)
                accepted = await self.send(FAIL if failing else "", _text(found))
                tries = 0 if accepted else tries + 1
                every = self._config.every
                due = time.monotonic() + (every if accepted else min(every, retry_delay(tries)))
            with suppress(TimeoutError):
                async with asyncio.timeout(due - time.monotonic()):
                    await changed.wait()

    async def send(self, signal: str, text: str) -> bool:
        """Ping once; return whether that was accepted. A failure is logged once."""
        # It loads aiohttp, which takes long.
        from syncd.monitoring.http import post  # noqa: PLC0415

        try:
            if self._url is None:
                self._url = await self._read()
            body = without_secrets(text)[:_MAX_BODY].encode()
            await post(with_signal(self._url, signal), body, "text/plain; charset=utf-8")
        except DeliveryError as error:
            await self.report(error)
            return False
        ended = await self._ledger.write(alerts.end("ping.failing", SUBJECT, time.time()))
        if ended is not None:
            log.notice("ping.recovered", duration=ended)
        return True

    async def report(self, error: DeliveryError) -> None:
        """Log once that pings fail, until one is accepted again."""
        self._url = None  # it is read again
        why = str(error)
        if await self._ledger.write(alerts.begin("ping.failing", SUBJECT, why, time.time())):
            log.warning("ping.failing", why=why)

    async def _read(self) -> str:
        source: SecretSource | None = self._config.url
        assert source is not None, "without a URL there is no Pinger"  # noqa: S101  for mypy
        return await read_url(source, self._environ, is_ping=True)


def _text(found: Sequence[Alert]) -> str:
    head = f"syncd {__version__} on {socket.gethostname()}"
    return f"{head}: nothing needs you" if not found else f"{head}\n{alerts_text(found)}"
