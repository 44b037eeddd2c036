"""`syncd events`."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from typing import Annotated

import msgspec
import typer

from syncd.logs.catalogue import CATALOGUE, Event

_WIDTH = 100


def events(
    json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """List the events of the log: levels, fields, when each comes, and what to do about it."""
    if json:
        encoded = msgspec.json.format(msgspec.json.encode(CATALOGUE))
        sys.stdout.write(encoded.decode() + "\n")
        return
    for event in CATALOGUE:
        for line in _lines(event):
            print(line)


def _lines(event: Event) -> Iterator[str]:
    yield f"{event.name}  ({', '.join(event.levels)})"
    yield from _paragraph(event.when)
    if event.remedy:
        yield from _paragraph(f"do: {event.remedy}")
    if event.ended_by:
        yield from _paragraph(f"until: {', '.join(event.ended_by)}")
    if event.fields:
        yield from _paragraph(f"fields: {', '.join(event.fields)}")


def _paragraph(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="    ", subsequent_indent="    ")
