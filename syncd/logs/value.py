"""Plain values of a log record: values that JSON can represent, without secrets."""

import math
import os
import re
from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from enum import Enum
from itertools import islice

from syncd.log import timestamp
from syncd.logs.secrets import without_secrets
from syncd.model import printable

Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]

LONGEST = 8000
"""Characters of one text: journald splits a line at 48 KiB, and escapes make a text longer."""

MOST = 50
"""Members of one list or mapping."""

DEEPEST = 4
"""Levels of nested lists and mappings."""

SURROGATE = re.compile("[\ud800-\udfff]")


def plain(value: object, depth: int = 0) -> Plain:
    """Return a value that JSON can represent, shortened if it is long; never raise."""
    if type(value) is str:  # the most frequent type, checked first
        return plain_text(value)
    try:
        return _plain(value, depth)
    except Exception:  # noqa: BLE001 - the record is written even if a method of the value raises
        return f"<{type(value).__name__}>"


def plain_text(text: str) -> str:
    """Return the text without secrets, shortened, with bytes that are not UTF-8 escaped."""
    shown = without_secrets(text)
    if not shown.isascii():
        shown = SURROGATE.sub(_escaped, shown)
    if len(shown) <= LONGEST:
        return shown
    # Both ends are kept: the cause is at the end of a traceback, and at the beginning of a body.
    half = LONGEST // 2
    return f"{shown[:half]} … {shown[-half:]}"


def _plain(value: object, depth: int) -> Plain:
    match value:
        case None | bool():
            return value
        case Enum():
            return plain(value.value, depth)
        case str():
            return plain_text(value)
        case bytes():
            return plain_text(printable(value))
        case int():
            # Some JSON readers use doubles for all numbers.
            return value if abs(value) < 2**53 else plain_text(hex(value))
        case float():
            return _number(value)
        case datetime():
            return timestamp(value)
        case os.PathLike():
            return plain(os.fspath(value), depth)
        case Mapping() | Sequence() | Set():
            return _members(value, depth) if depth < DEEPEST else "…"
        case _:
            return plain_text(str(value))


def _members(value: Mapping[object, object] | Sequence[object] | Set[object], depth: int) -> Plain:
    if isinstance(value, Mapping):
        pairs = islice(value.items(), MOST)
        return {plain_text(str(name)): plain(item, depth + 1) for name, item in pairs}
    items = [plain(item, depth + 1) for item in islice(value, MOST)]
    return items if len(value) <= MOST else [*items, f"… {len(value) - MOST} more"]


def _number(value: float) -> float | str:
    if not math.isfinite(value):
        return str(value)  # JSON has no infinity or NaN
    return round(value, 3) if abs(value) >= 1 else float(f"{value:.3g}")


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    # Python decodes the byte 0xNN of a name that is not UTF-8 as U+DCNN.
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"
