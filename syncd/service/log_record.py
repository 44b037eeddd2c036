"""A log record: when, how grave, which event, and its fields."""

import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from syncd.service.log_value import Plain, plain, plain_text

OURS = frozenset({"timestamp", "level", "event"})


@dataclass(frozen=True, slots=True)
class Record:
    """Plain throughout: what a form has left to do is quote."""

    time: datetime
    level: str
    event: str
    fields: dict[str, Plain]

    @property
    def timestamp(self) -> str:
        in_utc = self.time.astimezone(UTC).replace(tzinfo=None)
        return f"{in_utc.isoformat(timespec='milliseconds')}Z"


def record_of(level: str, given: Mapping[str, object], now: datetime) -> Record:
    """Make a record of what a caller gave to structlog: an event, fields, perhaps exc_info."""
    fields = {
        _field(plain_text(name)): plain(value)
        for name, value in given.items()
        if name not in {"event", "exc_info"}
    }
    if folded := _folded(given.get("exc_info")):
        fields["traceback"] = plain_text(folded)
    event = plain(given.get("event"))
    return Record(now, level, event if isinstance(event, str) else str(event), fields)


def _field(name: str) -> str:
    return f"{name}_" if name in OURS else name


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
