"""syncd-events(7), made from the catalogue of events, and from events.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from syncd.logs.catalogue import CATALOGUE, Event
from syncd.man.blocks import Block, Heading, Page, Paragraph, Term


def events_page(introduction: tuple[Block, ...]) -> Page:
    """Return the page of all events; the introduction precedes them."""
    return Page(
        name="syncd-events",
        section=7,
        summary="the log of syncd and its events",
        source="the catalogue of events and events.md",
        blocks=(
            *introduction,
            Heading("Events"),
            *described(CATALOGUE),
            Heading("See also"),
            Paragraph("`syncd`(1), `syncd-operation`(7)"),
        ),
    )


def described(events: Iterable[Event]) -> Iterator[Block]:
    """Yield a term for each event: its levels, when it occurs, and what to do."""
    for event in events:
        yield Term(f"`{event.name}` ({', '.join(event.levels)})", event.when)
        if event.remedy:
            yield Paragraph(f"do: {event.remedy}", inside=True)
        if event.ended_by:
            yield Paragraph(f"until: {', '.join(event.ended_by)}", inside=True)
        if event.fields:
            yield Paragraph(f"fields: {', '.join(event.fields)}", inside=True)
