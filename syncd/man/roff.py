"""A page as roff source for man, in ASCII: man-pages(7), groff_man(7)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import assert_never

from syncd import __version__
from syncd.man.blocks import STYLED, Block, Code, Heading, Item, Page, Paragraph, Term


def roff(page: Page) -> str:
    """Return the source of a page."""
    lines = [*_head(page)]
    for block in page.blocks:
        after_heading = lines[-1].startswith((".SH ", ".SS "))
        # A heading begins a paragraph by itself.
        lines += (line for line in _lines(block) if not (after_heading and line == ".PP"))
    return "\n".join(lines) + "\n"


def _head(page: Page) -> Iterator[str]:
    yield f'.\\" Generated from {page.source} by python -m syncd.man.'
    # A command that is hyphenated or spaced out cannot be copied.
    yield from (".nr HY 0", ".ad l")
    yield f'.TH "{page.name.upper()}" {page.section} "" "syncd {__version__}"'
    yield ".SH NAME"
    yield f"{_text(page.name)} \\- {_text(page.summary)}"


def _lines(block: Block) -> Iterator[str]:
    match block:
        case Heading():
            yield f".SH {_text(block.shown)}" if block.level == 1 else f".SS {_text(block.shown)}"
        case Paragraph(text, inside):
            yield ".IP" if inside else ".PP"
            yield _text(text)
        case Item(text):
            yield r".IP \(bu 2"
            yield _text(text)
        case Term(term, text):
            yield from (".TP", _text(term), _text(text))
        case Code(lines, inside):
            yield from (".RS",) if inside else ()
            yield from (".PP", ".RS 4", ".EX", *map(_escaped, lines), ".EE", ".RE")
            yield from (".RE",) if inside else ()
        case _:
            assert_never(block)


def _text(text: str) -> str:
    """Return a text in which code is bold, and emphasis is italic."""
    return STYLED.sub(_styled, _escaped(text))


def _styled(found: re.Match[str]) -> str:
    code, emphasis = found["code"], found["emphasis"]
    return f"\\fI{emphasis}\\fR" if code is None else f"\\fB{code}\\fR"


def _escaped(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    escaped = "".join(c if c.isascii() else f"\\[u{ord(c):04X}]" for c in escaped)
    return f"\\&{escaped}" if escaped.startswith(".") else escaped
