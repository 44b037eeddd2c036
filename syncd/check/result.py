"""One thing that `syncd check` looked at, and how it stands."""

from __future__ import annotations

from enum import Enum

import msgspec

from syncd.check.shell import Command


class State(Enum):
    """How a thing stands; UNSEEN when this user may not find out, and another may."""

    OK = "ok"
    BAD = "BAD"
    UNSEEN = "?"


class Place(msgspec.Struct, frozen=True):
    """Where the thing lies, for whoever may look at all of it; closed when the person may not."""

    path: bytes
    closed: bool
    writes: bool = False


class Check(msgspec.Struct, frozen=True):
    """What was looked at, how it stands, what was found, and what to type when it is BAD."""

    subject: str
    state: State
    said: str
    commands: tuple[Command, ...] = ()
    place: Place | None = None

    @property
    def ok(self) -> bool:
        return self.state is State.OK


def ok(subject: str, said: str, place: Place | None = None) -> Check:
    return Check(subject, State.OK, said, (), place)


def bad(
    subject: str, said: str, commands: tuple[Command, ...] = (), place: Place | None = None
) -> Check:
    return Check(subject, State.BAD, said, commands, place)


def unseen(subject: str, said: str) -> Check:
    return Check(subject, State.UNSEEN, said)
