"""The differences between two configurations, by the keys of the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import TypeVar

import msgspec
from msgspec.structs import fields

from syncd.config.errors import quoted
from syncd.config.schema import Budget, Config, NotifyConfig
from syncd.model import HoldAbove, printable

N = TypeVar("N", bound=str)

_Inner = Budget | HoldAbove


def changes(before: Config, after: Config) -> list[str]:
    """Return each change, such as `accounts.eu added` or `watch.settle: 2 → 0.5` (in seconds)."""
    return [
        *_named("accounts", before.accounts, after.accounts),
        *_named("folders", before.folders, after.folders),
        *_within("graph", before.graph, after.graph),
        *_within("watch", before.watch, after.watch),
        *_within("pack", before.pack, after.pack),
        *_within("deletions", before.deletions, after.deletions),
        *_within("audit", before.audit, after.audit),
        *_within("log", before.log, after.log),
        *_within("metrics", before.metrics, after.metrics),
        *_within("web", before.web, after.web),
        *_named("notify", _receivers(before), _receivers(after)),
        *_within("ping", before.ping, after.ping),
    ]


def _receivers(config: Config) -> dict[str, NotifyConfig]:
    return {quoted(one.name): one for one in config.notify}


def _named(
    key: str, before: Mapping[N, msgspec.Struct], after: Mapping[N, msgspec.Struct]
) -> Iterator[str]:
    for name in before:
        if name not in after:
            yield f"{key}.{name} removed"
    for name, table in after.items():
        if name in before:
            yield from _within(f"{key}.{name}", before[name], table)
        else:
            yield f"{key}.{name} added"


def _within(key: str, before: msgspec.Struct, after: msgspec.Struct) -> Iterator[str]:
    for field in fields(before):
        old: object = getattr(before, field.name)
        new: object = getattr(after, field.name)
        if isinstance(old, _Inner) and isinstance(new, _Inner):
            yield from _within(f"{key}.{field.name}", old, new)
        elif old != new:
            yield f"{key}.{field.name}: {_shown(old)} → {_shown(new)}"


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
