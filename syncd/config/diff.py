"""What differs between two configurations, by the keys that a person writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import TypeVar

from msgspec.structs import fields

from syncd.config import (
    AccountConfig,
    AuditConfig,
    BatchConfig,
    Budget,
    Config,
    DeletionsConfig,
    FolderConfig,
    GraphConfig,
    LogConfig,
    WatchConfig,
)
from syncd.model import HoldAbove, printable

N = TypeVar("N", bound=str)

_Inner = Budget | HoldAbove
_Table = (
    AccountConfig
    | FolderConfig
    | GraphConfig
    | WatchConfig
    | BatchConfig
    | DeletionsConfig
    | AuditConfig
    | LogConfig
    | _Inner
)


def changes(before: Config, after: Config) -> list[str]:
    """Return each change: `accounts.eu added`, `watch.settle: 2 → 0.5`; durations in seconds."""
    return [
        *_named("accounts", before.accounts, after.accounts),
        *_named("folders", before.folders, after.folders),
        *_within("graph", before.graph, after.graph),
        *_within("watch", before.watch, after.watch),
        *_within("pack", before.pack, after.pack),
        *_within("deletions", before.deletions, after.deletions),
        *_within("audit", before.audit, after.audit),
        *_within("log", before.log, after.log),
    ]


def _named(key: str, before: Mapping[N, _Table], after: Mapping[N, _Table]) -> Iterator[str]:
    for name in before:
        if name not in after:
            yield f"{key}.{name} removed"
    for name, table in after.items():
        if name in before:
            yield from _within(f"{key}.{name}", before[name], table)
        else:
            yield f"{key}.{name} added"


def _within(key: str, before: _Table, after: _Table) -> Iterator[str]:
    for field in fields(before):
        was: object = getattr(before, field.name)
        now: object = getattr(after, field.name)
        if isinstance(was, _Inner) and isinstance(now, _Inner):
            yield from _within(f"{key}.{field.name}", was, now)
        elif was != now:
            yield f"{key}.{field.name}: {_shown(was)} → {_shown(now)}"


def _shown(value: object) -> str:
    match value:
        case None:
            return "not set"
        case Enum():
            return str(value.value)
        case bytes():
            return printable(value)
        case float():
            return f"{value:g}"
        case tuple():
            return ", ".join(map(str, value)) or "none"
        case _:
            return str(value)
