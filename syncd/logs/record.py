"""A log record: time, level, event and fields."""

import sys
import traceback
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

import msgspec

from syncd.log import timestamp
from syncd.logs.value import Plain, plain, plain_text

OURS = frozenset({"timestamp", "level", "event"})


class Record(msgspec.Struct, frozen=True):
    """One record; its values are plain, so a form only has to quote them."""

    time: datetime
    level: str
    event: str
    fields: dict[str, Plain]

    @property
    def timestamp(self) -> str:
        """The time in UTC, in ISO 8601 with milliseconds."""
        return timestamp(self.time)


def record_of(level: str, given: Mapping[str, object], now: datetime) -> Record:
    """Return a record of the event, the fields and the `exc_info` that were passed to structlog."""
    fields = {
        _field(name): plain_text(value) if type(value) is str else plain(value)
        for name, value in given.items()
        if name not in {"event", "exc_info"}
    }
    if trace := _traceback(given.get("exc_info")):
        fields["traceback"] = plain_text(trace)
    event = plain(given.get("event"))
    return Record(now, level, event if isinstance(event, str) else str(event), fields)


@lru_cache(1024)  # names are written in the code
def _field(name: str) -> str:
    shown = plain_text(name)
    return f"{shown}_" if shown in OURS else shown


def _traceback(exc_info: object) -> str | None:
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
