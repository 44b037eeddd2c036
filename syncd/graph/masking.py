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
    known = tuple(secret for secret in secrets if len(secret) >= _SHORTEST)
    return _pattern(known).sub(b"***", body) if known else body


@lru_cache(maxsize=64)
def _pattern(secrets: tuple[str, ...]) -> re.Pattern[bytes]:
    heads = (b"".join(map(_form, secret.encode()[:_HEAD])) for secret in secrets)
    return re.compile(b"(?:" + b"|".join(heads) + b")" + _REST)


def _form(byte: int) -> bytes:
    """Return a pattern for one byte of a secret, in every way that a response can contain it."""
    code = "".join(f"[{c}{c.upper()}]" if c.isalpha() else c for c in f"{byte:02x}").encode()
    plain = re.escape(bytes([byte]))
    escaped = b"" if bytes([byte]).isalnum() else rb"|\\" + plain
    return b"(?:" + plain + escaped + b"|%(?:25)*" + code + rb"|\\u00" + code + b")"
