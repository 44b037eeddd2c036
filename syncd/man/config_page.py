"""syncd.toml(5), made from config.example.toml."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from syncd.man.blocks import Block, Code, Heading, Page, Paragraph, Term

EXAMPLE = Path(__file__).with_name("config.example.toml")
"""A link to the file at the top of the repository; in a wheel, the file itself."""

_KEY = re.compile(r"(?P<mark>#   |#|)(?P<line>(?P<name>\w+) = .*)")
"""A key: after `#` with its default, otherwise with an example."""

_SECTION = re.compile(r"(?:#   )?(?P<name>\[.+\])")
"""A table; after `#` one that the example leaves out."""

_COLUMNS = 60
"""The longest line of TOML that fits a page of 80 columns."""

_INTRODUCTION = (
    "Each key is shown with its default or with an example. An unknown key is an error. All"
    " mistakes are reported at once, each with its line and the line to write instead. A daemon"
    " applies a changed file after `systemctl reload syncd` or SIGHUP."
)


def config_page() -> Page:
    """Return the page of the configuration file."""
    _, rest = EXAMPLE.read_text("utf-8").split("#\n", 1)  # without how to edit it
    return Page(
        name="syncd.toml",
        section=5,
        summary="the configuration file of syncd",
        source="config.example.toml",
        blocks=(
            Heading("Description"),
            Paragraph(_INTRODUCTION),
            *_blocks(rest),
            Heading("See also"),
            Paragraph("`syncd`(1), `syncd-operation`(7)"),
        ),
    )


def _blocks(text: str) -> Iterator[Block]:
    comments: list[str] = []
    for kind, group in groupby(text.splitlines(), _kind):
        lines = list(group)
        if kind == "comment":
            comments = lines
            continue
        if kind == "key":
            yield from _term(lines, comments)
        else:
            if kind == "section":
                yield Heading(_SECTION.sub(r"\g<name>", lines[0]))
            yield from _described(comments)
        comments = []


def _kind(line: str) -> str:
    if _KEY.fullmatch(line):
        return "key"
    if _SECTION.fullmatch(line):
        return "section"
    return "comment" if line else "empty"


def _term(lines: list[str], comments: list[str]) -> Iterator[Block]:
    """Yield the term for the keys that the comments describe."""
    keys = [key for line in lines if (key := _KEY.fullmatch(line))]
    name = ", ".join(f"`{key['name']}`" for key in keys)
    match list(_described(comments, inside=True)):
        case [Paragraph(text), *others]:
            yield Term(name, text)
            yield from others
        case _:
            yield Term(name, "")
    yield Code(tuple(line for key in keys for line in _shown(key)), inside=True)


def _shown(key: re.Match[str]) -> list[str]:
    mark = "  # default" * (key["mark"] == "#")
    line = key["line"]
    if len(line + mark) > _COLUMNS:
        line = textwrap.fill(line, _COLUMNS - len(mark), subsequent_indent="    ")
    return f"{line}{mark}".split("\n")


def _described(comments: list[str], *, inside: bool = False) -> Iterator[Paragraph]:
    """Yield comments as paragraphs, an indented value with its meaning as one of its own."""
    for is_indented, lines in groupby(comments, lambda line: line.startswith("#   ")):
        texts = [line.removeprefix("#").strip() for line in lines]
        if not is_indented:
            yield Paragraph(" ".join(texts), inside)
            continue
        for text in re.split(r"\n(?=\{)", "\n".join(texts)):  # its meaning may need more lines
            value, _, meaning = " ".join(text.split("\n")).partition("  ")
            yield Paragraph(f"`{value}`" + f": {meaning.strip()}" * bool(meaning), inside)
