"""Tolerant reading of JSON: a value of the expected type, or None; no IO.

Texts that are stored or shown are bounded here, where they enter: a server can send megabytes.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from syncd.model import ImageHash

T = TypeVar("T")

MAX_MESSAGE = 500
"""Characters of a message; what exceeds them is left out."""

MAX_NAME = 255
"""Characters of a name; what exceeds them is left out."""

_BOM = b"\xef\xbb\xbf"
_HASH = re.compile(r"[0-9A-Za-z_-]{1,128}")


def decoded(body: str | bytes, shape: type[T]) -> T | None:
    """Return JSON text as a value of type `shape`; None when it is not one."""
    raw = body.encode("utf-8", "surrogateescape") if isinstance(body, str) else body
    raw = raw.removeprefix(_BOM)
    try:
        return msgspec.json.decode(raw, type=shape, strict=False)
    except msgspec.ValidationError:
        return None  # JSON of another shape
    except RecursionError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError):
        repaired = _without_lone_surrogates(raw)
        return decoded(repaired, shape) if repaired != raw else None


_LONE = re.compile(rb"\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]..")


def _without_lone_surrogates(body: bytes) -> bytes:
    """Return JSON without half characters, which a text truncated inside an emoji contains."""
    return _LONE.sub(rb"\\ufffd", body.decode("utf-8", "replace").encode())


def converted(value: Any, shape: type[T]) -> T | None:
    """Return an already decoded value as one of type `shape`; None when it is not one."""
    try:
        return msgspec.convert(value, shape, strict=False)
    except (msgspec.ValidationError, RecursionError):
        return None


def text(value: Any) -> str | None:
    """Return a value if it is a string, else None."""
    return value if isinstance(value, str) else None


def bounded(value: str, limit: int = MAX_MESSAGE) -> str:
    """Return a text of at most `limit` characters, with `…` in place of the rest."""
    return value if len(value) <= limit else f"{value[: limit - 1]}…"


def message(value: Any) -> str | None:
    """Return a value as a bounded message if it is a string, else None."""
    return bounded(value) if isinstance(value, str) else None


def name(value: Any) -> str | None:
    """Return a value as a bounded name if it is a string, else None."""
    return bounded(value, MAX_NAME) if isinstance(value, str) else None


def image_hash(value: Any) -> ImageHash | None:
    """Return a value if it has the form of an image's hash, else None."""
    is_hash = isinstance(value, str) and _HASH.fullmatch(value) is not None
    return ImageHash(value) if is_hash else None


_MAX_EXACT = 2**53  # a float represents every integer up to here


def number(value: Any) -> int | None:
    """Return the integer in a JSON number or string; None for any other value."""
    if type(value) is int and abs(value) <= _MAX_EXACT:
        return value
    figure = converted(value, float)
    whole = figure is not None and abs(figure) <= _MAX_EXACT and figure.is_integer()
    return int(figure) if figure is not None and whole else None
