"""One event of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["debug", "info", "notice", "warning", "error", "critical"]

DETAILS = ("error_user_msg", "error_user_title", "fbtrace_id")
"""The fields of an error that Meta's support asks for."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event. Its name and fields are stable: programs may rely on them."""

    name: str
    levels: tuple[Level, ...]
    fields: tuple[str, ...]  # sorted; without timestamp, level and event, which each record has
    when: str  # what happened
    remedy: str = ""  # what the operator has to do, if anything
    ended_by: tuple[str, ...] = ()  # the events that end the state it begins; each has `duration`
