"""One exchange over HTTP: its response, its failure, and how long it can take.

A module without aiohttp, which is imported with the first call.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from syncd.graph.body import Body

CHUNK = 256 * 1024  # bytes; each chunk must be sent within the stall timeout

CALL = 1.2
"""Stall timeouts for a call without a body, and for the response to one with a body. A server that
cannot be reached is reported by the session, after one."""

BUFFERED = 8 * 1024 * 1024
"""Bytes of a body for which the response may take one stall timeout longer: what buffers on the way
hold counts as sent."""


class HttpResponse(msgspec.Struct, frozen=True):
    """A complete response."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class HttpError(Exception):
    """A call without a complete response; the message is for the operator."""


def longest_call(body: Body | None, stall_timeout: float) -> float:
    """Return the seconds after which a call has ended."""
    if body is None:
        return CALL * stall_timeout
    return (CALL + body.length / CHUNK + CALL + body.length / BUFFERED) * stall_timeout
