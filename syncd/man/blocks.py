"""The parts of a page of the manual; `roff` writes them for man, `text` for a terminal.

A text within them may have `code` and *emphasis*, as in Markdown.
"""

from __future__ import annotations

import re
from typing import TypeAlias

import msgspec

STYLED = re.compile(r"`(?P<code>[^`]+)`|(?<![\w*])\*(?P<emphasis>[\w\[][^*]*)\*(?!\w)")
"""Code or emphasis in a text."""


class Heading(msgspec.Struct, frozen=True):
    """A heading; that of a section has level 1."""

    text: str
    level: int = 1

    @property
    def shown(self) -> str:
        """The text as pages show it: sections in capitals, except tables of the configuration."""
        return self.text.upper() if self.level == 1 and self.text[0] != "[" else self.text


class Paragraph(msgspec.Struct, frozen=True):
    """A paragraph; `inside` continues the last item or term."""

    text: str
    inside: bool = False


class Item(msgspec.Struct, frozen=True):
    """An item of a list."""

    text: str


class Term(msgspec.Struct, frozen=True):
    """A term, with its explanation below it."""

    term: str
    text: str


class Code(msgspec.Struct, frozen=True):
    """Lines to be shown as they are; `inside` continues the last item or term."""

    lines: tuple[str, ...]
    inside: bool = False


Block: TypeAlias = Heading | Paragraph | Item | Term | Code


def is_section(block: Block) -> bool:
    """Return whether a section begins with a block."""
    return isinstance(block, Heading) and block.level == 1


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the manual, such as syncd.toml(5)."""

    name: str
    section: int
    summary: str
    source: str  # of what it is made, for the comment at its top
    blocks: tuple[Block, ...]

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.name}.{self.section}"
