"""Where in the text of a TOML file a key stands."""

import re

from syncd.config.errors import Key

PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
KEY = rf"{PART}(?:\s*\.\s*{PART})*"
HEADER = re.compile(rf"\s*\[{{1,2}}\s*({KEY})\s*\]")
ASSIGNMENT = re.compile(rf"\s*({KEY})\s*=")


def lines_of_keys(text: str) -> dict[Key, int]:
    """Return the first line, from 1, of each table and key; what is within a value is not seen.

    A line inside a text of several lines can be mistaken for a key: it costs a wrong line
    number in a message, and a parser of our own would cost more.
    """
    found: dict[Key, int] = {}
    table: Key = ()
    for number, line in enumerate(text.split("\n"), 1):
        if header := HEADER.match(line):
            table = _parts(header[1])
            key = table
        elif assignment := ASSIGNMENT.match(line):
            key = (*table, *_parts(assignment[1]))
        else:
            continue
        # A table is also where its keys are first written: `accounts.main.id = …`.
        for depth in range(1, len(key) + 1):
            found.setdefault(key[:depth], number)
    return found


def line_of(key: Key, lines: dict[Key, int]) -> int | None:
    """Return the line of a key or, when it is not written, of the nearest table around it."""
    for depth in range(len(key), 0, -1):
        if key[:depth] in lines:
            return lines[key[:depth]]
    return None


def _parts(written: str) -> Key:
    return tuple(part.strip("\"'") for part in re.findall(PART, written))
