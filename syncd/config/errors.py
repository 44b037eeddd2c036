"""What is wrong with a configuration, said so that a person can mend it."""

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from textwrap import indent

import msgspec

from syncd.model import printable

BARE = re.compile(r"[A-Za-z0-9_-]+")
TOKEN = re.compile(r"EAA[A-Za-z0-9]{12,}|\d{6,}\|[\w-]+|\b[0-9a-fA-F]{32}\b")
"""Access tokens begin with EAA, app tokens are ID|SECRET, app secrets are 32 hex digits."""

Key = tuple[str, ...]
"""A place in the file, as TOML nests it: ("folders", "spring", "path")."""


class Problem(msgspec.Struct, frozen=True):
    """One mistake: where it is, what is wrong, and what to write instead."""

    file: Path
    key: str
    wrong: str
    write: str
    line: int | None = None

    def __str__(self) -> str:
        file = printable(os.fsencode(self.file))
        place = file if self.line is None else f"{file}:{self.line}"
        said = f"{self.key}: {self.wrong}" if self.key else self.wrong
        return f"{place}: {said}\n{indent(self.write, '    ')}"


class ConfigError(Exception):
    """The configuration cannot be used; its text is the whole report, a paragraph a problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n\n".join(map(str, self.problems)))


class RefusedError(Exception):
    """A value cannot be taken; the reader of its table knows where it stands."""

    def __init__(self, wrong: str, write: str) -> None:
        super().__init__(wrong)
        self.wrong = wrong
        self.write = write


def dotted(key: Key) -> str:
    return ".".join(masked(part) if BARE.fullmatch(part) else quoted(part) for part in key)


def quoted(text: str) -> str:
    """Return text in quotes, on one line, with every token in it masked, and cut when long."""
    shown = json.dumps(masked(text), ensure_ascii=not text.isprintable())
    return shown if len(shown) <= 80 else shown[:76] + '…"'


def masked(text: str) -> str:
    return TOKEN.sub("***", text)


def looks_like_a_token(text: str) -> bool:
    return TOKEN.search(text) is not None
