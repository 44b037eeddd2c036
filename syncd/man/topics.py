"""The hand-written pages, and the topics of `syncd help`: whole pages, and sections of these."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from syncd.man.blocks import Block, Heading, Page, is_section
from syncd.man.config_page import config_page
from syncd.man.events_page import events_page
from syncd.man.markdown import blocks

_NOT_TOPICS = ("Description", "See also")


class Topic(msgspec.Struct, frozen=True):
    """A part of the manual that `syncd help` shows by its name."""

    name: str
    title: str
    blocks: tuple[Block, ...]


def written(name: str) -> tuple[Block, ...]:
    """Return the blocks of a hand-written file."""
    return blocks(Path(__file__).with_name(f"{name}.md").read_text("utf-8"))


def operation_page() -> Page:
    """Return syncd-operation(7)."""
    return Page(
        name="syncd-operation",
        section=7,
        summary="how to run syncd, and how it decides",
        source="operation.md",
        blocks=written("operation"),
    )


def topics() -> dict[str, Topic]:
    """Return all topics by their names."""
    config, events, operation = config_page(), events_page(written("events")), operation_page()
    found = [
        Topic("config", "The configuration file", config.blocks),
        Topic("events", "The log and its events", events.blocks),
        Topic("operation", "All sections of syncd-operation(7)", operation.blocks),
        *_sections(operation.blocks),
        *_sections(written("commands")),
    ]
    return {topic.name: topic for topic in found}


def _sections(page: tuple[Block, ...]) -> Iterator[Topic]:
    """Yield each section as a topic, by the first word of its title."""
    starts = [number for number, block in enumerate(page) if is_section(block)]
    for start, end in zip(starts, [*starts[1:], len(page)], strict=True):
        section = page[start:end]
        title = section[0].text if isinstance(section[0], Heading) else ""
        if title not in _NOT_TOPICS:
            yield Topic(title.split()[0].strip(",").lower(), title, section)
