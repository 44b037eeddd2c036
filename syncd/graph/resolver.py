"""Look-ups of host names, which hang for as long as a name server does not respond.

getaddrinfo(3) cannot be cancelled, and waits 10 seconds and more. The event loop's own threads are
few, other work waits for them, and the process waits for them at its end.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from functools import partial

from aiohttp.abc import AbstractResolver, ResolveResult

from syncd.threads import run_in_thread


class Resolver(AbstractResolver):
    """Look-ups on threads that are not waited for, each for at most `limit` seconds."""

    def __init__(self, limit: float) -> None:
        self._limit = limit

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host; raise OSError if no server has returned them in time."""
        look_up = partial(
            socket.getaddrinfo,
            *(host, port, family, socket.SOCK_STREAM),
            flags=socket.AI_ADDRCONFIG,
        )
        try:
            async with asyncio.timeout(self._limit):
                found = await run_in_thread(look_up)
        except TimeoutError:
            raise socket.gaierror(socket.EAI_AGAIN, "no name server has responded") from None
        return [
            ResolveResult(
                hostname=host,
                host=_numeric(address),
                port=int(address[1]),
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Do nothing: a look-up that hangs ends with the process."""


def _numeric(address: Sequence[object]) -> str:
    """Return an address as text, with its scope if it is a link-local one of IPv6."""
    scope = address[3] if len(address) > 3 else 0
    return f"{address[0]}%{scope}" if scope else str(address[0])
