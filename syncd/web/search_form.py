"""The fields of the search in the library, from the query of a request to conditions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from syncd.config import Config
from syncd.images.probe import Format
from syncd.ledger.library_filter import Filter, Ratio, State
from syncd.model import AccountName

FORMATS = tuple(one.name for one in Format)

RATIOS: Mapping[str, float] = {
    "9:16": 9 / 16,
    "4:5": 4 / 5,
    "1:1": 1.0,
    "16:9": 16 / 9,
    "1.91:1": 1.91,
}

_TOLERANCE = 0.015
"""The part by which a ratio may differ: 1200 x 628 pixels count as 1.91:1."""

_YEARS = range(1700, 2200)
"""The years of a date: times in nanoseconds, as the ledger has them, reach from 1677 to 2262."""

_FIELDS = ("q", "folder", "account", "state", "format", "ratio", "size", "since", "until")
_LONGEST = 255  # characters of a field


class Search(msgspec.Struct, frozen=True):
    """The fields as they were written, and what is wrong with them."""

    fields: Mapping[str, str]
    wanted: Filter
    problems: tuple[str, ...]

    @property
    def is_by_name(self) -> bool:
        """Whether the text is the only condition."""
        return [key for key in _FIELDS if self.fields[key]] == ["q"]

    @property
    def is_empty(self) -> bool:
        """Whether all fields are empty."""
        return not any(self.fields.values())


def search_of(query: Mapping[str, str], config: Config) -> Search:
    """Return the search that a query describes; a field that is wrong is left out."""
    fields = {key: query.get(key, "").strip()[:_LONGEST] for key in _FIELDS}
    account = config.accounts.get(AccountName(fields["account"]))
    states = {state.value: state for state in State}
    pixels = re.fullmatch(r"(\d{1,6})\s*[x×*]\s*(\d{1,6})", fields["size"], re.ASCII)
    since, until = _day(fields["since"]), _day(fields["until"])
    ratio = RATIOS.get(fields["ratio"])
    wanted = Filter(
        text=fields["q"],
        folder=fields["folder"],
        account=None if account is None else account.id,
        state=states.get(fields["state"]),
        format=fields["format"],
        ratio=None if ratio is None else Ratio(ratio * (1 - _TOLERANCE), ratio * (1 + _TOLERANCE)),
        pixels=None if pixels is None else (int(pixels[1]), int(pixels[2])),
        since=None if since is None else since.timestamp(),
        until=None if until is None else (until + timedelta(days=1)).timestamp(),
    )
    read = {
        "account": wanted.account,
        "state": wanted.state,
        "ratio": wanted.ratio,
        "size": wanted.pixels,
        "since": wanted.since,
        "until": wanted.until,
    }
    return Search(fields, wanted, tuple(_problems(fields, read)))


_EXAMPLES = {"size": ", such as 1080x1920", "since": ", such as 2026-11-01"}
_EXAMPLES["until"] = _EXAMPLES["since"]


def _problems(fields: Mapping[str, str], read: Mapping[str, object]) -> Iterator[str]:
    for key, value in read.items():
        if fields[key] and value is None:
            yield f"{fields[key]} is not a known {key}{_EXAMPLES.get(key, '')}: it was left out"


def _day(text: str) -> datetime | None:
    """Return the begin of a day in local time; None if the ledger cannot have its time."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").astimezone()
    except (ValueError, OverflowError):
        return None
    return day if day.year in _YEARS else None
