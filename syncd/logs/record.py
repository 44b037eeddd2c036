"""A log record: when, how grave, which event, and its fields."""

import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from syncd.logs.value import Plain, plain, plain_text

OURS = frozenset({"timestamp", "level", "event"})


class Record(msgspec.Struct, frozen=True):
    """Plain throughout: what a form has left to do is quote."""

    time: datetime
    level: str
    event: str
    fields: dict[str, Plain]

    @property
    def timestamp(self) -> str:
        time = self.time if self.time.tzinfo is UTC else self.time.astimezone(UTC)
        return time.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def record_of(level: str, given: Mapping[str, object], now: datetime) -> Record:
    """Make a record of what a caller gave to structlog: an event, fields, perhaps exc_info."""
    fields = {
        _field(name): plain_text(value) if type(value) is str else plain(value)
        for name, value in given.items()
        if name not in {"event", "exc_info"}
    }
    if folded := _folded(given.get("exc_info")):
        fields["traceback"] = plain_text(folded)
    event = plain(given.get("event"))
    return Record(now, level, event if isinstance(event, str) else str(event), fields)


def _field(name: str) -> str:
    shown = plain_text(name)
    return f"{shown}_" if shown in OURS else shown


def _folded(exc_info: object) -> str | None:
    match exc_info:
        case BaseException():
            error: BaseException | None = exc_info
        case (_, BaseException() as error, _):
            pass
        case None | False | (None, None, None):
            return None
        case _:
            error = sys.exception()
    return None if error is None else "".join(traceback.format_exception(error)).rstrip()
