"""The text forms of a record: console, logfmt and JSON. Each is one printable line."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

from syncd.logs.record import Record
from syncd.logs.value import Plain

Form = Callable[[Record], str]
Paint = Callable[[str, str], str]
"""Takes a text and the name of its colour, and returns the text for the terminal."""

NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]")
# Legible on black and on white: dark blue is not on black, yellow and cyan are not on white.
CODES = {
    "time": "2",
    "name": "2",
    "event": "1",
    "debug": "2",
    "info": "32",
    "notice": "35",
    "warning": "30;43",
    "error": "97;41",
    "critical": "1;97;41",
}
SHORT = {"notice": "note", "warning": "warn", "critical": "fatal"}
WIDEST = len("fatal")
COLUMN = 20
"""Width of the event in the console form: most names are shorter."""

LEVEL_END = len("00:00:00 fatal ")
"""Columns of the time and the level in the console form."""


def json_form(record: Record) -> str:
    """Return a record as one JSON object, with the same names as in logfmt."""
    return _json({**_head(record), **record.fields})


def logfmt_form(record: Record) -> str:
    """Return a record as `name=value` pairs; JSON quotes a value with a space, quote or `=`."""
    return f"timestamp={record.timestamp} level={record.level} event={message(record)}"


def message(record: Record) -> str:
    """Return the event and its fields in logfmt: one line of printable characters."""
    pairs = [f"{_name(name)}={_word(value)}" for name, value in record.fields.items()]
    return " ".join((_word(record.event), *pairs))


def console_form(paint: Paint) -> Form:
    """Return the form for reading: local time, level, event, and non-empty fields."""

    def form(record: Record) -> str:
        first, _ = head(record, paint)
        fields = [paint(name, "name") + word for name, word in pairs(record.fields)]
        return " ".join((first, *fields))

    return form


def head(record: Record, paint: Paint) -> tuple[str, int]:
    """Return the time, level and event for reading, and the columns that they take."""
    level = SHORT.get(record.level, record.level)
    event = _word(record.event)
    padding = " " * (COLUMN - len(event) if record.fields else 0)
    words = (
        paint(record.time.astimezone().strftime("%H:%M:%S"), "time"),
        paint(level, record.level) + " " * (WIDEST - len(level)),
        paint(event, "event") + padding,
    )
    return " ".join(words), LEVEL_END + len(event + padding)


def pairs(fields: Mapping[str, Plain]) -> Iterator[tuple[str, str]]:
    """Yield `name=` and the value in logfmt, for each field that is not empty."""
    for name, value in fields.items():
        if value is not None and value not in ([], {}):
            yield f"{_name(name)}=", _word(value)


def coloured(text: str, kind: str) -> str:
    """Return the text in the ANSI colour of a kind."""
    return f"\x1b[{CODES.get(kind, '0')}m{text}\x1b[0m"


def uncoloured(text: str, _kind: str) -> str:
    """Return the text unchanged."""
    return text


def _head(record: Record) -> dict[str, Plain]:
    return {"timestamp": record.timestamp, "level": record.level, "event": record.event}


@lru_cache
def _name(name: str) -> str:
    return NOT_IN_NAMES.sub("_", name) or "_"


def _word(value: Plain) -> str:
    if isinstance(value, str):  # the most frequent type, checked first
        return value if _is_word(value) else _json(value)
    match value:
        case list() if all(isinstance(item, str | int | float) for item in value):
            return _word(",".join(item if isinstance(item, str) else _json(item) for item in value))
        case list() | dict():
            return _word(_json(value))
        case _:
            return _json(value)


def text_of(value: Plain) -> str:
    """Return a text unchanged, and any other value as JSON."""
    return value if isinstance(value, str) else _json(value)


def _is_word(text: str) -> bool:
    """Return whether a text can be written without quotes."""
    return bool(
        text and " " not in text and '"' not in text and "=" not in text and text.isprintable()
    )


def _json(value: Plain) -> str:
    text = json.dumps(value, ensure_ascii=False)
    if text.isprintable():
        return text
    # U+2028, DEL and others end a line or move the cursor in some readers. JSON's own syntax has
    # none of them, so each is within a string and can be escaped.
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)
