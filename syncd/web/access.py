"""Who may see the pages: the password, the session in a cookie, and the name of the host."""

from __future__ import annotations

import hmac
import ipaddress
from collections import OrderedDict
from collections.abc import Callable, Collection
from hashlib import sha256
from urllib.parse import urlsplit

from syncd.config import Secret
from syncd.rules import logins
from syncd.rules.logins import Failures

COOKIE = "syncd"

LASTS = 12 * 3600
"""Seconds until the password is needed again."""

MOST_CLIENTS = 10_000
"""Clients whose wrong passwords are remembered: some 2 MB."""


class Access:
    """The access to the pages of one process; without a password everyone on the machine has it.

    A session is a cookie with its end and a code that only the password can make. It survives a
    restart, and ends when the password is changed. `hosts` are names of this server in addition to
    those of the machine itself.
    """

    def __init__(
        self, password: Secret | None, clock: Callable[[], float], hosts: Collection[str] = ()
    ) -> None:
        self._password = password
        self._clock = clock  # unix seconds
        self._hosts = frozenset(hosts)
        self._failures: OrderedDict[str, Failures] = OrderedDict()  # the last ones at the end
        self._failed: list[float] = []  # when any client sent a wrong password

    @property
    def needs_password(self) -> bool:
        return self._password is not None

    def serves(self, header: str) -> bool:
        """Return whether the header Host names this server.

        Another name that a browser was led to this address by, DNS rebinding, is a foreign site.
        With a password and without configured names, every name is accepted.
        """
        if self.needs_password and not self._hosts:
            return True
        host = _host(header)
        return is_loopback(host) or host in self._hosts

    def is_open(self, cookie: str) -> bool:
        """Return whether a cookie is that of a session which has not ended."""
        if self._password is None:
            return True
        end, _, code = cookie.partition(".")
        if not end.isascii() or not end.isdigit() or len(end) > 12:
            return False
        given = code.encode("utf-8", "surrogateescape")
        return hmac.compare_digest(_code(self._password, end), given) and (
            self._clock() < int(end) <= self._clock() + LASTS
        )

    def wait(self, client: str) -> float:
        """Return the seconds until a client may send a password; 0 if it may now."""
        now = self._clock()
        own = logins.wait(self._failures.get(network(client)), now)
        return max(own, logins.wait_of_all(self._failed, now))

    def log_in(self, password: str, client: str) -> str | None:
        """Return the cookie of a new session; None for a wrong password, or one too early."""
        if self._password is None or self.wait(client):
            return None
        given = sha256(password.encode("utf-8", "surrogateescape")).digest()
        wanted = sha256(self._password.reveal().encode()).digest()
        if not hmac.compare_digest(given, wanted):
            self._record_failure(network(client), self._clock())
            return None
        self._failures.pop(network(client), None)
        end = str(int(self._clock()) + LASTS)
        return f"{end}.{_code(self._password, end).decode()}"

    def _record_failure(self, client: str, now: float) -> None:
        self._failed = [*logins.within(self._failed, now), now]
        self._failures[client] = logins.after_failure(self._failures.get(client), now)
        self._failures.move_to_end(client)
        if len(self._failures) > MOST_CLIENTS:
            self._failures.popitem(last=False)


def _code(password: Secret, end: str) -> bytes:
    return hmac.digest(password.reveal().encode(), end.encode(), "sha256").hex().encode()


def network(client: str) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address), 64), strict=False))


def is_loopback(host: str) -> bool:
    """Return whether an address or a name is that of this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host(header: str) -> str:
    try:
        return urlsplit(f"//{header}").hostname or ""  # in lower case
    except ValueError:
        return ""
