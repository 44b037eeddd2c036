"""A page, or a part of it, as text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import assert_never

from syncd.man.blocks import STYLED, Block, Code, Heading, Item, Paragraph, Term

_MARGIN = "    "
_INSIDE = _MARGIN * 2


def text(blocks: Iterable[Block], width: int) -> Iterator[str]:
    """Yield the lines of the blocks, at most `width` columns wide unless a word is longer."""
    before: Block | None = None
    for block in blocks:
        if before is not None and not (isinstance(before, Item) and isinstance(block, Item)):
            yield ""
        yield from _lines(block, width)
        before = block


def _lines(block: Block, width: int) -> Iterator[str]:
    match block:
        case Heading():
            yield block.shown if block.level == 1 else f"  {block.shown}"
        case Paragraph(content, inside):
            yield from _wrapped(content, width, _INSIDE if inside else _MARGIN)
        case Item(content):
            yield from _wrapped(content, width, f"{_MARGIN}- ", f"{_MARGIN}  ")
        case Term(term, content):
            yield from _wrapped(term, width, _MARGIN)
            yield from _wrapped(content, width, _INSIDE)
        case Code(lines, inside):
            yield from textwrap.indent("\n".join(lines), _INSIDE + _MARGIN * inside).split("\n")
        case _:
            assert_never(block)


def _wrapped(content: str, width: int, first: str, others: str = "") -> list[str]:
    """Return the text in lines; words are never split, so that a command can be copied."""
    return textwrap.wrap(
        _plain(content),
        width,
        initial_indent=first,
        subsequent_indent=others or first,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _plain(content: str) -> str:
    """Return a text without the marks of emphasis; those of code show where a command ends."""
    return STYLED.sub(lambda found: found["emphasis"] or found[0], content)
