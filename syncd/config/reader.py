"""Reading a TOML table key by key: every mistake is noted, none ends the reading."""

from collections.abc import Callable, Collection, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from syncd.config.errors import Key, Problem, RefusedError, dotted, quoted
from syncd.config.toml_text import line_of
from syncd.config.values import check_name, kind

T = TypeVar("T")


class Findings:
    """The mistakes and warnings of one file, as they are found."""

    def __init__(self, file: Path, lines: dict[Key, int]) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self._file = file
        self._lines = lines

    def refuse(self, key: Key, wrong: str, write: str) -> None:
        self.problems.append(self._problem(key, wrong, write))

    def warn(self, key: Key, wrong: str, write: str) -> None:
        self.warnings.append(self._problem(key, wrong, write))

    def _problem(self, key: Key, wrong: str, write: str) -> Problem:
        return Problem(self._file, dotted(key), wrong, write, line_of(key, self._lines))


class Table:
    """One table; `close()` refuses the keys that nobody asked for."""

    def __init__(self, key: Key, content: Mapping[str, object], findings: Findings) -> None:
        self.key = key
        self.findings = findings
        self._content = content
        self._asked: list[str] = []

    def optional(self, name: str, parse: Callable[[object], T], default: T) -> T:
        """Return the value, or the default when there is none or it was refused."""
        self._asked.append(name)
        if name not in self._content:
            return default
        try:
            return parse(self._content[name])
        except RefusedError as refused:
            self.refuse(name, refused.wrong, refused.write)
            return default

    def required(self, name: str, parse: Callable[[object], T], write: str) -> T | None:
        """Return the value, or None after noting that there is none or it was refused."""
        if name not in self._content:
            self._asked.append(name)
            self.refuse(name, "is missing", write)
            return None
        return self.optional(name, parse, None)

    def table(self, name: str) -> "Table":
        """Return the table of that name, an empty one when it is not there."""
        self._asked.append(name)
        return self._inner(name)

    def tables(self) -> Iterator[tuple[str, "Table"]]:
        """Go through a table of tables whose names are the operator's."""
        for name in self._content:
            try:
                check_name(name)
            except RefusedError as refused:
                self.refuse(name, refused.wrong, refused.write)
            yield name, self._inner(name)

    def has(self, name: str) -> bool:
        return name in self._content

    def names(self) -> list[str]:
        return list(self._content)

    def refuse(self, name: str, wrong: str, write: str) -> None:
        self.findings.refuse((*self.key, name), wrong, write)

    def close(self) -> None:
        for name, value in self._content.items():
            if name not in self._asked:
                self.refuse(name, "is not known here", self._instead(name, value))

    def _inner(self, name: str) -> "Table":
        value = self._content.get(name, {})
        key = (*self.key, name)
        if not isinstance(value, dict):
            self.findings.refuse(key, f"is {kind(value)}, not a table", f"write [{dotted(key)}]")
            value = {}
        return Table(key, value, self.findings)

    def _instead(self, name: str, value: object) -> str:
        known = ", ".join(self._asked)
        near = get_close_matches(name.lower().replace("-", "_"), self._asked, n=1, cutoff=0.6)
        if near:
            return f"did you mean {near[0]}? Known are {known}"
        if isinstance(value, dict) and self.key:
            joined = f"{self.key[-1]}.{name}"
            return (
                f"known are {known}; a name with a dot in it is written in quotes:"
                f" [{dotted((*self.key[:-1], joined))}]"
            )
        where = f"[{dotted(self.key)}]" if self.key else "the file"
        return f"leave it out; {where} knows {known}"


def choices(known: Collection[str], given: str) -> str:
    """Say which names there are, the one that was probably meant first."""
    near = get_close_matches(given, known, n=1, cutoff=0.6)
    listed = ", ".join(quoted(name) for name in known)
    return f"did you mean {quoted(near[0])}? There are {listed}" if near else f"there are {listed}"
