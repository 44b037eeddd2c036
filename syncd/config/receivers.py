"""The sections of the configuration file about notifications and pings."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import msgspec

from syncd.config import values
from syncd.config.errors import InvalidValueError, quoted
from syncd.config.reader import Table
from syncd.config.schema import NotifyConfig, PingConfig, Topic
from syncd.config.secrets import command_words
from syncd.config.sections import read_source
from syncd.config.values import duration

_MAX_NAME = 64  # characters
_URL_FIX = 'write url = { file = "/etc/syncd/webhook" }, with the URL in that file'
_COMMAND_FIX = 'write command = ["/usr/local/bin/notify"]'


def read_receivers(tables: Iterable[Table]) -> tuple[NotifyConfig, ...]:
    """Return the receivers of notifications, each with a name of its own."""
    found: list[NotifyConfig] = []
    for table in tables:
        receiver = _read_receiver(table)
        table.close()
        twin = next((one for one in found if _is_same(one, receiver)), None)
        if twin is not None:
            table.findings.add_problem(
                table.key,
                "has the same receiver and the same events as another [[notify]]",
                "remove one of them, or write other events",
            )
        if receiver.name and receiver.name in {one.name for one in found}:
            table.add_problem(
                "name", f"{quoted(receiver.name)} is also another name", "write another name"
            )
        found.append(receiver)
    return tuple(_named(one, found) for one in found)


def read_ping(table: Table) -> PingConfig:
    default = PingConfig()
    ping = PingConfig(
        url=read_source(table, "url"),
        every=table.optional("every", duration("1s", "1d"), default.every),
    )
    if ping.url is None and table.has("every") and not table.has("url"):
        table.add_problem("url", "is missing", _URL_FIX)
    table.close()
    return ping


def _read_receiver(table: Table) -> NotifyConfig:
    default = NotifyConfig()
    receiver = NotifyConfig(
        url=read_source(table, "url"),
        command=table.optional(
            "command", partial(command_words, fix=_COMMAND_FIX), default.command
        ),
        on=table.optional("on", values.several_of(Topic), default.on),
        every=table.optional("every", duration("0s", "7d"), default.every),
        name=table.optional("name", _name, default.name),
    )
    if table.has("url") == table.has("command"):
        table.findings.add_problem(
            table.key,
            "needs exactly one of the keys url, command",
            f"{_URL_FIX}, or {_COMMAND_FIX}",
        )
    return receiver


def _name(value: object) -> str:
    text = values.string(value)
    if not text.strip() or not text.isprintable() or len(text) > _MAX_NAME:
        raise InvalidValueError(
            f"{quoted(text)} is not a name", f"write at most {_MAX_NAME} characters on one line"
        )
    return text


def _is_same(one: NotifyConfig, other: NotifyConfig) -> bool:
    if one.url is None and not one.command:  # that has been reported
        return False
    return (one.url, one.command, set(one.on)) == (other.url, other.command, set(other.on))


def _named(receiver: NotifyConfig, all_receivers: Iterable[NotifyConfig]) -> NotifyConfig:
    """Return the receiver with a name: by default the source of its URL, or its command."""
    if receiver.name:
        return receiver
    names = [_default_name(one) for one in all_receivers]
    name = _default_name(receiver)
    if names.count(name) > 1:
        name += f" ({', '.join(receiver.on)})"
    return msgspec.structs.replace(receiver, name=name)


def _default_name(receiver: NotifyConfig) -> str:
    if receiver.name:
        return receiver.name
    if receiver.url is not None:
        return str(receiver.url)
    return f"the command {quoted(receiver.command[0])}" if receiver.command else ""
