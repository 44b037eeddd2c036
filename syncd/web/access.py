"""Who may see the pages: the password, the session in a cookie, and the name of the host."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable
from hashlib import sha256
from urllib.parse import urlsplit

from syncd.config import Secret
from syncd.rules import logins

COOKIE = "syncd"

LASTS = 12 * 3600
"""Seconds until the password is needed again."""


class Access:
    """The access to the pages of one process; without a password everyone on the machine has it.

    A session is a cookie with its end and a code that only the password can make. It survives a
    restart, and ends when the password is changed.
    """

    def __init__(self, password: Secret | None, clock: Callable[[], float]) -> None:
        self._password = password
        self._clock = clock  # unix seconds
        self._failed: list[tuple[float, str]] = []

    @property
    def needs_password(self) -> bool:
        return self._password is not None

    def is_open(self, cookie: str) -> bool:
        """Return whether a cookie is that of a session which has not ended."""
        if self._password is None:
            return True
        end, _, code = cookie.partition(".")
        if not end.isascii() or not end.isdigit() or len(end) > 12:
            return False
        return hmac.compare_digest(_code(self._password, end), code.encode()) and (
            self._clock() < int(end) <= self._clock() + LASTS
        )

    def log_in(self, password: str, client: str) -> str | None:
        """Return the cookie of a new session; None for a wrong password, or too many of them."""
        if self._password is None or not self.may_try(client):
            return None
        given = sha256(password.encode("utf-8", "surrogateescape")).digest()
        wanted = sha256(self._password.reveal().encode()).digest()
        if not hmac.compare_digest(given, wanted):
            now = self._clock()
            self._failed = [*logins.within(self._failed, now), (now, client)]
            return None
        end = str(int(self._clock()) + LASTS)
        return f"{end}.{_code(self._password, end).decode()}"

    def may_try(self, client: str) -> bool:
        """Return whether a client has not failed too often."""
        return logins.is_allowed(self._failed, client, self._clock())


def _code(password: Secret, end: str) -> bytes:
    return hmac.digest(password.reveal().encode(), end.encode(), "sha256").hex().encode()


def is_loopback(host: str) -> bool:
    """Return whether an address or a name is that of this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_local_host(header: str) -> bool:
    """Return whether the header Host names this machine.

    Another name that a browser was led to this address by, DNS rebinding, is a foreign site.
    """
    try:
        return is_loopback(urlsplit(f"//{header}").hostname or "")
    except ValueError:
        return False
