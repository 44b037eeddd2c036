"""A value of a log record, made plain: what JSON can say, with no secret in it."""

import math
import os
import re
from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from enum import Enum
from itertools import islice

from syncd.logs.secrets import without_secrets
from syncd.model import printable

Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]

LONGEST = 8000
"""Characters of one text: the journal cuts a line at 48 KiB, and escapes take room."""

MOST = 50
"""Members of one list or table."""

DEEPEST = 4
"""Lists within lists; a record is no place for trees."""

SURROGATE = re.compile("[\ud800-\udfff]")


def plain(value: object, depth: int = 0) -> Plain:
    """Return the value as JSON has it, shortened where it is long; raises nothing."""
    if type(value) is str:  # most are, and a match comes to it late
        return plain_text(value)
    try:
        return _plain(value, depth)
    except Exception:  # noqa: BLE001 - whatever a value's own methods raise, the record is written
        return f"<{type(value).__name__}>"


def plain_text(text: str) -> str:
    """Return the text without secrets, and with the bytes that were no UTF-8 escaped."""
    shown = without_secrets(text)
    if not shown.isascii():
        shown = SURROGATE.sub(_escaped, shown)
    if len(shown) <= LONGEST:
        return shown
    # A traceback ends with what went wrong, a body begins with it: both ends are kept.
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
            # Readers of JSON may take a number for a double.
            return value if abs(value) < 2**53 else plain_text(hex(value))
        case float():
            return _number(value)
        case datetime():
            return value.isoformat(timespec="milliseconds")
        case os.PathLike():
            return plain(os.fspath(value), depth)
        case BaseException():
            return plain_text(f"{type(value).__name__}: {value}".removesuffix(": "))
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
        return str(value)  # JSON has no word for it
    return round(value, 3) if abs(value) >= 1 else float(f"{value:.3g}")


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    # Python reads the byte 0xNN of a name that is no UTF-8 as U+DCNN.
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"
