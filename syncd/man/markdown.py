"""The Markdown of the hand-written pages: headings, paragraphs, lists, terms and code."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from syncd.man.blocks import Block, Code, Heading, Item, Paragraph, Term

_CHUNK = re.compile(r"(?ms:^ *```\w*\n.*?^ *```$)|(?m:(?:^(?! *```).*\S.*$\n?)+)")
"""Code between fences, or lines up to an empty one."""


def blocks(text: str) -> tuple[Block, ...]:
    """Return the blocks of a page. Indented text belongs to the item or term before it."""
    return tuple(block for chunk in _CHUNK.findall(text) for block in _blocks(chunk))


def _blocks(chunk: str) -> Iterator[Block]:
    inside = chunk.startswith(" ")
    lines = textwrap.dedent(chunk.rstrip("\n")).split("\n")
    if lines[0].startswith("```"):
        yield Code(tuple(lines[1:-1]), inside)
    elif lines[0].startswith("#"):
        marks, _, title = lines[0].partition(" ")
        yield Heading(title, len(marks))
    elif lines[0].startswith("- "):
        for item in re.split(r"^- ", "\n".join(lines), flags=re.MULTILINE)[1:]:
            yield Item(_joined(item))
    elif len(lines) > 1 and lines[1].startswith(": "):
        yield Term(lines[0], _joined("\n".join(lines[1:]).removeprefix(": ")))
    else:
        yield Paragraph(_joined("\n".join(lines)), inside)


def _joined(text: str) -> str:
    return " ".join(text.split())
