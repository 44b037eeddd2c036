"""`syncd events`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from syncd.cli.console import print_json, print_line, print_paragraph
from syncd.logs.catalogue import CATALOGUE, Event


def events(
    json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """List the events of the log: their levels and fields, when they occur, and what to do."""
    if json:
        print_json(CATALOGUE)
        return
    for event in CATALOGUE:
        print_line(f"{event.name}  ({', '.join(event.levels)})")
        for paragraph in _paragraphs(event):
            print_paragraph(paragraph, first="    ")


def _paragraphs(event: Event) -> Iterator[str]:
    yield event.when
    if event.remedy:
        yield f"do: {event.remedy}"
    if event.ended_by:
        yield f"until: {', '.join(event.ended_by)}"
    if event.fields:
        yield f"fields: {', '.join(event.fields)}"
