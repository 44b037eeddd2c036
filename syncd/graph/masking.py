"""Secrets in the body of a response, which can contain those of its request; no IO."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_SHORTEST = 8
"""Characters of the shortest secret that is masked: a shorter one is not a token of the API, and
could be an ordinary word."""

_HEAD = 12
"""Characters by which a secret is recognised, so that a truncated one is masked as well."""

_REST = rb"""(?:[^\s"'<>&\\]|\\/|\\u00(?!26)[0-9a-fA-F]{2})*"""


def masked(body: bytes, secrets: Iterable[str]) -> bytes:
    """Return a body with `***` for each secret: plain, percent-encoded, or as JSON escapes.

    What follows the beginning of a secret is masked with it, up to a space, a quote, a tag or the
    next parameter of a URL.
    """
    for secret in secrets:  # one pattern of all of them would take twice as long
        if len(secret) >= _SHORTEST:
            body = _pattern(secret).sub(b"***", body)
    return body


@lru_cache(maxsize=1024)  # three secrets of each account, and some that were replaced
def _pattern(secret: str) -> re.Pattern[bytes]:
    return re.compile(b"".join(map(_form, secret.encode()[:_HEAD])) + _REST)


def _form(byte: int) -> bytes:
    """Return a pattern for one byte of a secret, in every way that a response can contain it."""
    code = "".join(f"[{c}{c.upper()}]" if c.isalpha() else c for c in f"{byte:02x}").encode()
    plain = re.escape(bytes([byte]))
    escaped = b"" if bytes([byte]).isalnum() else rb"|\\" + plain
    return b"(?:" + plain + escaped + b"|%(?:25)*" + code + rb"|\\u00" + code + b")"
