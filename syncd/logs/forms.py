"""The three forms of a record: console, logfmt, JSON; each one line, whatever is in it."""

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from syncd.logs.record import Record
from syncd.logs.value import Plain

Form = Callable[[Record], str]
Paint = Callable[[str, str], str]
"""A text and the name of its colour → the text as the terminal is to have it."""

NO_NAME = re.compile(r"[^A-Za-z0-9_.-]")
CODES = {
    "time": "2",
    "name": "36",
    "event": "1",
    "debug": "2",
    "info": "32",
    "notice": "34",
    "warning": "33",
    "error": "31",
    "critical": "1;31",
}
SHORT = {"notice": "note", "warning": "warn", "critical": "fatal"}
WIDEST = len("fatal")
COLUMN = 20
"""Where the fields begin, after the event: most names are shorter."""


def json_form(record: Record) -> str:
    """One object; the names are those of logfmt."""
    return _json({**_head(record), **record.fields})


def logfmt_form(record: Record) -> str:
    """`name=value` pairs; a value with a space, quote or `=` is quoted as JSON quotes."""
    return f"timestamp={record.timestamp} level={record.level} event={message(record)}"


def message(record: Record) -> str:
    """The event and its fields as logfmt has them: one line of visible characters."""
    pairs = [f"{_name(name)}={_word(value)}" for name, value in record.fields.items()]
    return " ".join((_word(record.event), *pairs))


def console_form(paint: Paint) -> Form:
    """For people: the local time of day, level, event, then the fields that say something."""

    def form(record: Record) -> str:
        level = SHORT.get(record.level, record.level)
        event = _word(record.event)
        head = (
            paint(record.time.astimezone().strftime("%H:%M:%S"), "time"),
            paint(level, record.level) + " " * (WIDEST - len(level)),
            paint(event, "event") + " " * (COLUMN - len(event) if record.fields else 0),
        )
        return " ".join((*head, *_pairs(record.fields, paint)))

    return form


def coloured(text: str, kind: str) -> str:
    return f"\x1b[{CODES.get(kind, '0')}m{text}\x1b[0m"


def uncoloured(text: str, _kind: str) -> str:
    return text


def _head(record: Record) -> dict[str, Plain]:
    return {"timestamp": record.timestamp, "level": record.level, "event": record.event}


def _pairs(fields: dict[str, Plain], paint: Paint) -> Iterator[str]:
    for name, value in fields.items():
        if value is None or value in ([], {}):
            continue
        yield paint(f"{_name(name)}=", "name") + _word(value)


@lru_cache
def _name(name: str) -> str:
    return NO_NAME.sub("_", name) or "_"


def _word(value: Plain) -> str:
    if isinstance(value, str):  # most are, and a match comes to it late
        return value if _is_word(value) else _json(value)
    match value:
        case list() if all(isinstance(item, str | int | float) for item in value):
            return _word(",".join(item if isinstance(item, str) else _json(item) for item in value))
        case list() | dict():
            return _word(_json(value))
        case _:
            return _json(value)


def text_of(value: Plain) -> str:
    """A text as it is, anything else as JSON has it."""
    return value if isinstance(value, str) else _json(value)


def _is_word(text: str) -> bool:
    """Whether a text needs no quotes."""
    return bool(
        text and " " not in text and '"' not in text and "=" not in text and text.isprintable()
    )


def _json(value: Plain) -> str:
    text = json.dumps(value, ensure_ascii=False)
    if text.isprintable():
        return text
    # U+2028, DEL and others end a line or move a cursor somewhere; outside texts JSON has none.
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)
