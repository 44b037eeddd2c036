"""The text of the configuration file: reading, parsing, and the lines of its keys."""

import codecs
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from syncd.config.errors import ConfigError, Key, Problem, item, masked
from syncd.model import printable

P = TypeVar("P")

SECRET = re.compile(r"((?:token|secret|\burl)\w*\W{1,4}).+", re.IGNORECASE)
POSITION = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)")
MAX_WIDTH = 160
"""Characters of a line that are shown."""

PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
DOTTED = rf"{PART}(?:\s*\.\s*{PART})*"
HEADER = re.compile(rf"\s*(\[{{1,2}})\s*({DOTTED})\s*\]")
ASSIGNMENT = re.compile(rf"\s*({DOTTED})\s*=")

Position = tuple[int, int]
"""Line and column, both from 1."""

FIXES = {
    "Invalid value": 'write a string in quotes, as in key = "text"',
    "Cannot overwrite": "write each key once",
    "Cannot declare": "write each table once, with all its keys below it",
}


def read_text(path: Path) -> str:
    """Return the file's text; raise ConfigError for a file that cannot be read or is not UTF-8."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        fix = "write it with `syncd init`"
        raise _unreadable(path, "the file does not exist", fix) from None
    except PermissionError:
        fix = "allow it with chmod (the file contains no secret)"
        raise _unreadable(path, "this user is not allowed to read the file", fix) from None
    except OSError as error:
        message = f"the file cannot be read: {error.strerror}"
        raise _unreadable(path, message, "correct that") from None
    # Some editors begin a file with a byte order mark, which TOML does not allow.
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        return content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        raise _malformed(
            path,
            content.decode("utf-8", "surrogateescape"),
            (before.count("\n") + 1, len(before) - before.rfind("\n")),
            f"the byte 0x{content[error.start]:02x} is not UTF-8",
            "save the file as UTF-8",
        ) from None


def parse(path: Path, text: str) -> dict[str, object]:
    """Parse the text as TOML; raise ConfigError with the line, the column and the line's text."""
    try:
        return tomllib.loads(text)
    # Besides its own error, tomllib raises Python's for too many digits or nested brackets.
    except (ValueError, RecursionError) as error:
        message = POSITION.sub("", str(error))
        position = POSITION.search(str(error))
        if position is not None and position[1] is not None:
            at = (int(position[1]), int(position[2]))
        else:
            lines = text.rstrip().split("\n")
            at = (len(lines), len(lines[-1]) + 1)
        fix = next((FIXES[start] for start in FIXES if message.startswith(start)), "correct it")
        raise _malformed(path, text, at, masked(message), fix) from None


def lines_of_keys(text: str) -> dict[Key, int]:
    """Return the first line, from 1, of each table and each key outside inline tables and arrays.

    A line inside a multi-line string can be mistaken for a key. That costs a wrong line number in
    a message; a parser of our own would cost more.
    """
    found: dict[Key, int] = {}
    arrays: dict[Key, int] = {}  # the tables so far of each array of tables
    table: Key = ()
    for number, line in enumerate(text.split("\n"), 1):
        if header := HEADER.match(line):
            table = _of_items(_parts(header[2]), arrays)
            if header[1] == "[[":
                arrays[table] = arrays.get(table, 0) + 1
                table = (*table, item(arrays[table]))
            key = table
        elif assignment := ASSIGNMENT.match(line):
            key = (*table, *_parts(assignment[1]))
        else:
            continue
        # A dotted key declares its tables too: `accounts.main.id = …`.
        for depth in range(1, len(key) + 1):
            found.setdefault(key[:depth], number)
    return found


class Place(msgspec.Struct, frozen=True):
    """A line of a file."""

    file: Path
    line: int


def line_of(key: Key, lines: Mapping[Key, P]) -> P | None:
    """Return the line or place of a key or, when it is missing, of the nearest table around it."""
    for depth in range(len(key), 0, -1):
        if key[:depth] in lines:
            return lines[key[:depth]]
    return None


def _of_items(key: Key, arrays: Mapping[Key, int]) -> Key:
    """Return the key of a header, which is about the last table of each array that it names."""
    whole: Key = ()
    for part in key[:-1]:
        whole = (*whole, part)
        if whole in arrays:
            whole = (*whole, item(arrays[whole]))
    return (*whole, *key[-1:])


def _parts(dotted: str) -> Key:
    return tuple(part.strip("\"'") for part in re.findall(PART, dotted))


def _malformed(path: Path, text: str, at: Position, message: str, fix: str) -> ConfigError:
    line, column = at
    written = text.split("\n")[line - 1]
    shown, before = _shown(written), _shown(written[: column - 1])
    # After a masked token the column is no longer the one that is shown.
    has_caret = len(before) < MAX_WIDTH and shown.startswith(before)
    caret = f"\n{' ' * len(before)}^" if has_caret else ""
    fix = f"{fix}:\n{shown[:MAX_WIDTH]}{caret}"
    message = f"column {column}: {message}"
    return ConfigError([Problem(file=path, key="", message=message, fix=fix, line=line)])


def _shown(line: str) -> str:
    """Return a line without secrets, on one line of a terminal."""
    text = SECRET.sub(r"\1***", masked(line.replace("\t", " ")))
    return printable(text.encode("utf-8", "surrogateescape"))


def _unreadable(path: Path, message: str, fix: str) -> ConfigError:
    fix = f"{fix}, or name another file with --config PATH"
    return ConfigError([Problem(file=path, key="", message=message, fix=fix)])
