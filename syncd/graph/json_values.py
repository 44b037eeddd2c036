"""JSON of any form, read as what it should be, or as nothing; no IO."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def decoded(body: str | bytes, shape: type[T]) -> T | None:
    """Return a JSON text as a value of this shape; None when it is none."""
    raw = body.encode("utf-8", "surrogateescape") if isinstance(body, str) else body
    try:
        return msgspec.json.decode(raw, type=shape, strict=False)
    except msgspec.ValidationError:
        return None  # JSON of another shape
    except RecursionError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError):
        mended = _mended(raw)
        return decoded(mended, shape) if mended != raw else None


_LONE = re.compile(rb"\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]..")


def _mended(body: bytes) -> bytes:
    """Return JSON without half characters, such as a text cut in the middle of an emoji leaves."""
    return _LONE.sub(rb"\\ufffd", body.decode("utf-8", "replace").encode())


def converted(value: Any, shape: type[T]) -> T | None:
    """Return a value that was decoded already as one of this shape; None when it is none."""
    try:
        return msgspec.convert(value, shape, strict=False)
    except (msgspec.ValidationError, RecursionError):
        return None


def text(value: Any) -> str | None:
    """Return a text; None for what is none."""
    return value if isinstance(value, str) else None


_LARGEST = 2**53  # up to here a float carries every whole number


def number(value: Any) -> int | None:
    """Return a whole number that came as a number or a text; None for what is none."""
    if type(value) is int and abs(value) <= _LARGEST:
        return value
    figure = converted(value, float)
    whole = figure is not None and abs(figure) <= _LARGEST and figure.is_integer()
    return int(figure) if figure is not None and whole else None
