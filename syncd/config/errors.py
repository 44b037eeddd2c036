"""Problems in a configuration, worded so that the operator can correct each one."""

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from textwrap import indent

import msgspec

from syncd.model import printable

BARE = re.compile(r"[A-Za-z0-9_-]+")
ITEM = re.compile(r"\[\d+\]")
TOKEN = re.compile(r"EAA[A-Za-z0-9]{12,}|\d{6,}\|[\w-]+|\b[0-9a-fA-F]{32}\b")
"""Access tokens begin with EAA, app tokens are ID|SECRET, app secrets are 32 hex digits."""

Key = tuple[str, ...]
"""The path of a table or key in the file, as TOML nests it: ("folders", "spring", "path")."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One mistake: its file, line and key, what is wrong, and what to write instead."""

    file: Path
    key: str
    message: str
    fix: str
    line: int | None = None

    def __str__(self) -> str:
        file = printable(os.fsencode(self.file))
        place = file if self.line is None else f"{file}:{self.line}"
        sentence = f"{self.key}: {self.message}" if self.key else self.message
        return f"{place}: {sentence}\n{indent(self.fix, '    ')}"


class ConfigError(Exception):
    """The configuration cannot be used; the text is the whole report, one paragraph per problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n\n".join(map(str, self.problems)))


class InvalidValueError(Exception):
    """A value was rejected by its parser; the table that is being read adds the key."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


def item(number: int) -> str:
    """Return the part of a key that stands for a table of an array; the first one has number 1."""
    return f"[{number}]"


def dotted(key: Key) -> str:
    """Return a key as TOML writes it, with every token in it masked; tables of arrays as `a[2]`."""
    parts = (
        masked(part) if BARE.fullmatch(part) or ITEM.fullmatch(part) else quoted(part)
        for part in key
    )
    return ".".join(parts).replace(".[", "[")


def quoted(text: str) -> str:
    """Return text in quotes, on one line, with every token in it masked, truncated when long."""
    shown = json.dumps(masked(text), ensure_ascii=not text.isprintable())
    return shown if len(shown) <= 80 else shown[:76] + '…"'


def masked(text: str) -> str:
    """Return text with every token in it replaced by asterisks."""
    return TOKEN.sub("***", text)


def looks_like_token(text: str) -> bool:
    """Return whether text contains something of the form of a token."""
    return TOKEN.search(text) is not None
