"""The addresses of pages, with their query."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode


def library_address(**query: str) -> str:
    """Return the address of the library with these fields; empty ones are left out."""
    return f"/library{_query(query)}"


def activity_address(account: str = "") -> str:
    """Return the address of the plots of an account, or of all accounts."""
    return f"/{_query({'account': account})}#activity"


def families_address(**query: str) -> str:
    """Return the address of the families with these fields; empty ones are left out."""
    return f"/families{_query(query)}"


def image_address(digest: bytes) -> str:
    return f"/image/{digest.hex()}"


def picture_address(digest: bytes, *, large: bool = False) -> str:
    return f"/{'large' if large else 'small'}/{digest.hex()}"


def _query(fields: Mapping[str, str]) -> str:
    given = {key: value for key, value in fields.items() if value}
    return f"?{urlencode(given)}" if given else ""
