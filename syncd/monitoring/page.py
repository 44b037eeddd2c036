"""A page: what a request for a path returns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import msgspec


class Page(msgspec.Struct, frozen=True):
    """A response: its HTTP status, its content, and the header Content-Type."""

    status: int
    content: bytes
    content_type: str


Pages = Mapping[str, Callable[[str], Awaitable[Page]]]
"""A function for each path, which gets the request's header Accept."""
