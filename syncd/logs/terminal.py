"""The form of a record on a terminal: shortened, and wrapped with a hanging indent."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

from syncd.logs.forms import LEVEL_END, Form, Paint, console_form, head, pairs
from syncd.logs.record import Record
from syncd.logs.value import Plain
from syncd.model import printable

_DIGEST = re.compile(r"([0-9a-f]{12})[0-9a-f]{8,}")
"""A whole digest or hash, and its digits that are shown: `syncd find` needs six of them."""

_PATHS = frozenset({"config", "file", "ledger", "path"})

_MEASURED = frozenset(
    {
        "budget_used", "calls", "descriptors", "images_per_second", "in_flight", "in_step_in",
        "last_event_at", "ledger_mb", "memory_mb", "missing_since", "oldest_waiting", "paused_for",
        "scanned_at", "uptime", "wal_mb",
    }
)  # fmt: skip
"""Fields of statistics that differ at each measurement although nothing has happened."""

_WIDE = 80
"""Columns from which further lines begin below the first field, otherwise below the event."""


def terminal_form(paint: Paint, columns: Callable[[], int]) -> Form:
    """Return the form for a terminal; `columns` returns its present width, 0 if it is unknown.

    A record of statistics has an empty form, unless they have changed since the one before.
    """
    shown: dict[tuple[Plain, ...], dict[str, Plain]] = {}
    whole = console_form(paint)

    def form(record: Record) -> str:
        if record.event.startswith("stats"):
            subject = (record.event, record.fields.get("account"), record.fields.get("folder"))
            state = {k: value for k, value in record.fields.items() if k not in _MEASURED}
            is_news = shown.get(subject, state) != state
            shown[subject] = state
            if not is_news:
                return ""
        width = columns()
        return _wrapped(record, paint, width) if width else whole(record)

    return form


def _wrapped(record: Record, paint: Paint, columns: int) -> str:
    first, used = head(record, paint)
    indent = used + 1 if columns >= _WIDE and used < columns // 2 else LEVEL_END
    text, names = "", list[range]()
    room = columns - indent
    fields = {name: _shortened(name, value, room) for name, value in record.fields.items()}
    trace = str(fields.pop("traceback", None) or "").splitlines()
    for name, word in pairs(fields):
        names.append(range(len(text), len(text) + len(name)))
        text += f"{name}{word} "
    lines = [
        "".join(_painted(text, start, end, names, paint))
        for start, end in _breaks(text.rstrip(), columns - used - 1, room)
    ]
    whole = f"\n{' ' * indent}".join([f"{first} {lines[0]}", *lines[1:]] if lines else [first])
    return "\n".join([whole, *(f"{' ' * LEVEL_END}{printable(line)}" for line in trace)])


def _shortened(name: str, value: Plain, room: int) -> Plain:
    """Return the beginning of a digest, and both ends of a path that needs most of a line."""
    if not isinstance(value, str):
        return value
    if digest := _DIGEST.fullmatch(value):
        return f"{digest[1]}…"
    longest = room * 3 // 5
    if name not in _PATHS or len(value) <= longest:
        return value
    kept = value[-(longest * 2 // 3) :]
    kept = kept[max(0, kept.find("/")) :]  # whole names, if there is a whole one
    return f"{value[: longest - len(kept) - 1]}…{kept}"


def _breaks(text: str, first: int, others: int) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each line of at most `first`, then `others` columns."""
    start, room = 0, first
    while start < len(text):
        end = following = start + _fitting(text[start:], room)
        if end < len(text):
            space = text.rfind(" ", start + 1, end + 1)
            if space > 0:
                end, following = space, space + 1
            elif room < others:  # a word that fits the next line
                end = following = start
        yield start, end
        start, room = following, others


def _fitting(text: str, columns: int) -> int:
    """Return how many characters fit into the columns, at least one."""
    for count, char in enumerate(text):
        columns -= _width(char)
        if columns < 0:
            return max(1, count)
    return len(text)


def _width(char: str) -> int:
    """Return the columns of a character on a terminal."""
    if char.isascii():
        return 1
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _painted(text: str, start: int, end: int, names: list[range], paint: Paint) -> Iterator[str]:
    """Yield the part of a text with the names in it in their colour."""
    for name in names:
        if name.start < end and name.stop > start:
            begin = max(start, name.start)
            yield text[start:begin]
            start = min(end, name.stop)
            yield paint(text[begin:start], "name")
    yield text[start:end]
