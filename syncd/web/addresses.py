"""The addresses of pages, with their query."""

from __future__ import annotations

from urllib.parse import urlencode


def library_address(**query: str) -> str:
    """Return the address of the library with these fields; empty ones are left out."""
    given = {key: value for key, value in query.items() if value}
    return f"/library?{urlencode(given)}" if given else "/library"


def image_address(digest: bytes) -> str:
    return f"/image/{digest.hex()}"


def picture_address(digest: bytes, *, large: bool = False) -> str:
    return f"/{'large' if large else 'small'}/{digest.hex()}"
