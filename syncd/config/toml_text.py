"""The text of the file, and TOML's own rules for it."""

import codecs
import re
import tomllib
from pathlib import Path

from syncd.config.errors import ConfigError, Key, Problem, masked
from syncd.model import printable

SECRET = re.compile(r"((?:token|secret)\w*\W{1,4}).+", re.IGNORECASE)
WHERE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)")
WIDEST = 160
"""Characters of a line that are shown."""

Position = tuple[int, int]
"""Line and column, both from 1."""

ADVICE = {
    "Invalid value": 'a text stands in quotes, as in key = "text"',
    "Cannot overwrite": "a key is written once",
    "Cannot declare": "a table is written once, with all its keys below it",
}


def read_text(path: Path) -> str:
    """Return the file's text; raises ConfigError, also for what is not UTF-8."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        advice = "write it, as config.example.toml shows"
        raise _unreadable(path, "there is no such file", advice) from None
    except PermissionError:
        advice = "let it, with chmod: the file holds no secret"
        raise _unreadable(path, "this user may not read it", advice) from None
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror}", "mend that") from None
    # Some editors begin a file with a byte order mark, of which TOML knows nothing.
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        return content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        raise _broken(
            path,
            content.decode("utf-8", "surrogateescape"),
            (before.count("\n") + 1, len(before) - before.rfind("\n")),
            f"the byte 0x{content[error.start]:02x} is not UTF-8",
            "save the file as UTF-8",
        ) from None


def parse(path: Path, text: str) -> dict[str, object]:
    """Return what TOML makes of the text; raises ConfigError with line, column and the line."""
    try:
        return tomllib.loads(text)
    # Beside its own error, tomllib lets through what Python thinks of too many digits or brackets.
    except (ValueError, RecursionError) as error:
        said = WHERE.sub("", str(error))
        position = WHERE.search(str(error))
        if position is not None and position[1] is not None:
            at = (int(position[1]), int(position[2]))
        else:
            written = text.rstrip().split("\n")
            at = (len(written), len(written[-1]) + 1)
        advice = next((ADVICE[start] for start in ADVICE if said.startswith(start)), "mend it")
        raise _broken(path, text, at, masked(said), advice) from None


def _broken(path: Path, text: str, at: Position, wrong: str, write: str) -> ConfigError:
    line, column = at
    written = text.split("\n")[line - 1]
    shown, before = _shown(written), _shown(written[: column - 1])
    # A token may stand on the line, and then what was before the column is no longer all there.
    seen = len(before) < WIDEST and shown.startswith(before)
    caret = f"\n{' ' * len(before)}^" if seen else ""
    excerpt = f"{write}:\n{shown[:WIDEST]}{caret}"
    return ConfigError([Problem(path, "", f"column {column}: {wrong}", excerpt, line)])


def _shown(line: str) -> str:
    text = SECRET.sub(r"\1***", masked(line.replace("\t", " ")))
    return printable(text.encode("utf-8", "surrogateescape"))


def _unreadable(path: Path, wrong: str, otherwise: str) -> ConfigError:
    write = f"{otherwise}; or name another with --config PATH"
    return ConfigError([Problem(path, "", wrong, write)])


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
