"""`syncd events`."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated

import typer

from syncd.cli.console import line_width, print_json, print_line
from syncd.cli.errors import Exit, fail
from syncd.logs.catalogue import CATALOGUE
from syncd.man.events_page import described
from syncd.man.text import text


def events(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="An event, such as account.paused, or the part before the dot of several.",
            show_default=False,
        ),
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """List the events of the log: their levels and fields, when they occur, and what to do."""
    found = [
        event for event in CATALOGUE if f"{event.name}.".startswith(f"{name}." if name else "")
    ]
    if not found:
        near = get_close_matches(name, [event.name for event in CATALOGUE], n=1)
        hint = f": did you mean {near[0]}?" if near else ""
        fail(f"{name!r} is not an event{hint}; `syncd events` lists them", Exit.USAGE)
    if json:
        print_json(found)
        return
    for line in text(described(found), line_width()):
        print_line(line)
