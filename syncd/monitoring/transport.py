"""The ways to a receiver: JSON by POST, JSON to a program, and text through apprise.

Each raises DeliveryError, whose text names neither the URL nor its server.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import re
import socket
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from syncd import __version__
from syncd.config import NotifyConfig, Secret, SecretError, SecretSource, read_secret
from syncd.config.program import MAX_BYTES, run_program
from syncd.logs.secrets import hide, without_secrets
from syncd.model import printable
from syncd.monitoring.entries import Entry
from syncd.monitoring.errors import INVALID_URL, DeliveryError
from syncd.monitoring.text import text_of
from syncd.threads import run_in_thread, run_until_cancelled

PROGRAM_LIMIT = 60.0
"""Seconds that a program may run."""

SERVICE_LIMIT = 30.0
"""Seconds for which apprise is waited for; most of its services have limits of a few seconds."""

_MAX_REASON = 200  # characters of a program's message

NEEDS_APPRISE = (
    "a URL of this service needs apprise: install it with `pip install 'syncd[notify]'`, or with"
    " `pipx inject syncd apprise`"
)

_HTTP = frozenset({"http", "https"})

_SERVICES = re.compile(
    r"hooks\.slack(-gov)?\.com|discord(app)?\.com|chat\.googleapis\.com|ntfy\.sh|api\.flock\.com"
    r"|webexapis\.com|open\.larksuite\.com|.+\.logic\.azure\.com|.+\.api\.powerplatform\.com"
)
"""Servers that need JSON of their own form, and whose URLs apprise recognises."""

_SHORTEST_KEY = 16
"""Characters of the shortest part of a URL that is hidden: random, and no word of a path."""

_HTTP_STATUS = re.compile(r"error=(\d{3})\b")
"""The status of a rejection in the log of apprise."""

_LIBRARIES = ("apprise", "urllib3", "requests", "charset_normalizer", "paho")
"""Loggers whose records can contain the URL: none of these is logged."""


class Transport(Protocol):
    """A way to a receiver; `is_summary` when it gets a text, for which some images suffice."""

    @property
    def is_summary(self) -> bool: ...

    async def send(self, entries: Sequence[Entry], images: int | None = None) -> None:
        """Return once the receiver has accepted the entries; raise DeliveryError."""


async def open_transport(receiver: NotifyConfig, environ: Mapping[str, str]) -> Transport:
    """Return the way to a receiver; raise DeliveryError if its URL cannot be read or used."""
    if receiver.url is None:
        return Program(receiver.command, environ)
    url = await read_url(receiver.url, environ)
    return Service(url) if needs_apprise(url) else Webhook(url)


async def read_url(
    source: SecretSource, environ: Mapping[str, str], *, is_ping: bool = False
) -> str:
    """Return a URL, which no record of the log contains from now on; raise DeliveryError."""
    try:
        read = partial(read_secret, source, environ, "URL")
        secret = await run_until_cancelled(read, "reader of a URL")
    except SecretError as error:
        raise DeliveryError(str(error)) from None
    hide_url(secret)
    url = secret.reveal()
    if problem := url_problem(url, is_ping=is_ping):
        raise DeliveryError(problem)
    return url


def hide_url(secret: Secret) -> None:
    """Hide a URL and each part of it that is a key."""
    hide(secret)
    for part in re.split(r"[/?&=@:#]", secret.reveal()):
        if len(part) >= _SHORTEST_KEY and "." not in part:
            hide(Secret(part))


def url_problem(url: str, *, is_ping: bool) -> str:
    """Return why a URL cannot be used, or an empty text; no service gets pings."""
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        return INVALID_URL
    if "://" not in url or (is_ping and scheme not in _HTTP):
        return INVALID_URL
    is_missing = importlib.util.find_spec("apprise") is None
    return NEEDS_APPRISE if is_missing and not is_ping and needs_apprise(url) else ""


def needs_apprise(url: str) -> bool:
    """Return whether a URL, which `url_problem` has examined, is that of a service."""
    found = urlsplit(url)
    return found.scheme not in _HTTP or _SERVICES.fullmatch(found.hostname or "") is not None


class Webhook:
    """A URL that gets JSON by POST."""

    is_summary = False

    def __init__(self, url: str) -> None:
        self._url = url

    async def send(self, entries: Sequence[Entry], images: int | None = None) -> None:
        """Return once any 2xx was received."""
        # It loads aiohttp, which takes long.
        from syncd.monitoring.http import post  # noqa: PLC0415

        del images
        await post(self._url, payload(entries), "application/json")


class Program:
    """A program that gets JSON on its input."""

    is_summary = False

    def __init__(
        self, words: Sequence[str], environ: Mapping[str, str], limit: float = PROGRAM_LIMIT
    ) -> None:
        self._words = words
        self._environ = environ
        self._limit = limit

    async def send(self, entries: Sequence[Entry], images: int | None = None) -> None:
        """Return once the program has ended with exit code 0; if cancelled, end it first."""
        del images
        await run_until_cancelled(partial(self._run, payload(entries)), "notifying program")

    def _run(self, body: bytes, stop: threading.Event) -> None:
        import tempfile  # noqa: PLC0415  slow to load, and only programs need it

        with tempfile.TemporaryFile() as given:
            given.write(body)
            given.seek(0)
            try:
                ended = run_program(
                    self._words, self._environ, self._limit, stop=stop, stdin=given, output="stderr"
                )
            except TimeoutError:
                raise DeliveryError(f"it did not end within {self._limit:g} s") from None
            except OSError as error:
                raise DeliveryError(
                    f"it cannot be started ({error.strerror}): install it where syncd's user can"
                    " run it (in a unit, allow it with ExecPaths=)"
                ) from None
            except OverflowError:
                raise DeliveryError(f"it wrote more than {MAX_BYTES:,} bytes to stderr") from None
        if ended.code != 0:
            said = ended.output.decode("utf-8", "replace").strip().partition("\n")[0]
            reason = f": {printable(without_secrets(said))[:_MAX_REASON]}" if said else ""
            raise DeliveryError(f"it ended with {ended.ending}{reason}")


class Service:
    """A service that apprise knows, which gets a text."""

    is_summary = True

    def __init__(self, url: str, limit: float = SERVICE_LIMIT) -> None:
        self._url = url
        self._limit = limit

    async def send(self, entries: Sequence[Entry], images: int | None = None) -> None:
        """Return once apprise has delivered the text."""
        title, body = map(without_secrets, text_of(entries, socket.gethostname(), images))
        try:
            async with asyncio.timeout(self._limit):
                await run_in_thread(partial(self._notify, title, body))
        except TimeoutError:
            raise DeliveryError(f"apprise did not end within {self._limit:g} s") from None

    def _notify(self, title: str, body: str) -> None:
        import apprise  # noqa: PLC0415  an optional dependency, and slow to load

        record = _silence()
        try:
            service = apprise.Apprise()
            is_known = service.add(self._url)
            accepted = is_known and service.notify(title=title, body=body)
        except Exception as error:  # noqa: BLE001  one of a hundred plugins can raise anything
            raise DeliveryError(f"apprise failed ({type(error).__name__})") from None
        if not is_known:
            raise DeliveryError("apprise does not know a service with a URL of this form")
        if not accepted:
            status = record.status
            reason = f"HTTP {status}" if status else "check the URL, and whether it is reachable"
            raise DeliveryError(f"apprise could not deliver the message ({reason})")


class _Record(logging.Handler):
    """The last HTTP status that apprise has logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.status: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if found := _HTTP_STATUS.search(record.getMessage()):
            self.status = found[1]


def _silence() -> _Record:
    """Keep the records of apprise and of what it uses from the log, and return their reader."""
    record = _Record()
    for name in _LIBRARIES:
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.handlers[:] = [record]
    return record


def payload(entries: Sequence[Entry]) -> bytes:
    """Return the JSON of a notification."""
    return msgspec.json.encode(
        {"syncd": __version__, "host": socket.gethostname(), "events": list(entries)}
    )
