"""The result of one check."""

from __future__ import annotations

from enum import Enum

import msgspec

from syncd.check.shell import Command


class State(Enum):
    """The outcome of a check; UNKNOWN when this user is not allowed to find out."""

    OK = "ok"
    WARNING = "!"
    """It works, and needs the operator's attention."""
    BAD = "BAD"
    UNKNOWN = "?"


class CheckedPath(msgspec.Struct, frozen=True):
    """The file or directory that a check is about.

    `denied` when the user that is checked cannot access it; `writes` when syncd writes there.
    """

    path: bytes
    denied: bool
    writes: bool = False


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A subject, what was found, and the commands to type when it is BAD."""

    subject: str
    state: State
    message: str
    commands: tuple[Command, ...] = ()
    path: CheckedPath | None = None

    @property
    def is_ok(self) -> bool:
        return self.state in (State.OK, State.WARNING)


def ok(subject: str, message: str, path: CheckedPath | None = None) -> Check:
    return Check(subject=subject, state=State.OK, message=message, path=path)


def bad(
    subject: str,
    message: str,
    commands: tuple[Command, ...] = (),
    path: CheckedPath | None = None,
) -> Check:
    return Check(subject=subject, state=State.BAD, message=message, commands=commands, path=path)


def warning(subject: str, message: str) -> Check:
    return Check(subject=subject, state=State.WARNING, message=message)


def unknown(subject: str, message: str) -> Check:
    return Check(subject=subject, state=State.UNKNOWN, message=message)
