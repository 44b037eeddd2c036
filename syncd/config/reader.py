"""A reader of TOML tables that records every mistake and stops at none."""

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from syncd.config.errors import InvalidValueError, Key, Problem, dotted, item
from syncd.config.toml_text import Place, line_of
from syncd.config.values import check_name, described

T = TypeVar("T")


class Findings:
    """The mistakes and warnings found so far in a file and those that it includes."""

    def __init__(self, file: Path, places: Mapping[Key, Place]) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self._file = file
        self._places = places

    def add_problem(self, key: Key, message: str, fix: str) -> None:
        self.problems.append(self._problem(key, message, fix))

    def add_warning(self, key: Key, message: str, fix: str) -> None:
        self.warnings.append(self._problem(key, message, fix))

    def _problem(self, key: Key, message: str, fix: str) -> Problem:
        place = line_of(key, self._places)
        file, line = (self._file, None) if place is None else (place.file, place.line)
        return Problem(file=file, key=dotted(key), message=message, fix=fix, line=line)

    def directory_of(self, key: Key) -> Path:
        """Return the directory of the file that has a key: its relative paths begin there."""
        place = line_of(key, self._places)
        return (self._file if place is None else place.file).absolute().parent


class Table:
    """One table of the file; `close()` reports the keys that were never read."""

    def __init__(self, key: Key, content: Mapping[str, object], findings: Findings) -> None:
        self.key = key
        self.findings = findings
        self._content = content
        self._known: list[str] = []

    def optional(self, name: str, parse: Callable[[object], T], default: T) -> T:
        """Return the parsed value, or the default when the key is missing or was invalid."""
        self._known.append(name)
        if name not in self._content:
            return default
        try:
            return parse(self._content[name])
        except InvalidValueError as error:
            self.add_problem(name, error.message, error.fix)
            return default

    def required(self, name: str, parse: Callable[[object], T], fix: str) -> T | None:
        """Return the parsed value, or None after recording that the key is missing or invalid."""
        if name not in self._content:
            self._known.append(name)
            self.add_problem(name, "is missing", fix)
            return None
        return self.optional(name, parse, None)

    def table(self, name: str) -> "Table":
        """Return the table of that name, an empty one when the file does not have it."""
        self._known.append(name)
        return self._inner(name)

    def tables(self) -> Iterator[tuple[str, "Table"]]:
        """Yield the tables in this table by their names, which the operator has chosen."""
        for name in self._content:
            try:
                check_name(name)
            except InvalidValueError as error:
                self.add_problem(name, error.message, error.fix)
            yield name, self._inner(name)

    def array(self, name: str) -> Iterator["Table"]:
        """Yield the tables of an array of tables, none when the file does not have it."""
        self._known.append(name)
        key, value = (*self.key, name), self._content.get(name, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            self.add_problem(
                name,
                f"expected an array of tables, got {described(value)}",
                f"write [[{dotted(key)}]]",
            )
            return
        for number, content in enumerate(value, 1):
            yield Table((*key, item(number)), content, self.findings)

    def directory_of(self, name: str) -> Path:
        """Return the directory in which the relative paths of a key begin."""
        return self.findings.directory_of((*self.key, name))

    def has(self, name: str) -> bool:
        return name in self._content

    def names(self) -> list[str]:
        return list(self._content)

    def add_problem(self, name: str, message: str, fix: str) -> None:
        """Record a mistake in the key of that name."""
        self.findings.add_problem((*self.key, name), message, fix)

    def close(self) -> None:
        """Record every key that was never read as unknown."""
        for name, value in self._content.items():
            if name not in self._known:
                self.add_problem(name, "is not a known key", self._suggestion(name, value))

    def _inner(self, name: str) -> "Table":
        value = self._content.get(name, {})
        key = (*self.key, name)
        if not isinstance(value, dict):
            self.findings.add_problem(
                key, f"expected a table, got {described(value)}", f"write [{dotted(key)}]"
            )
            value = {}
        return Table(key, value, self.findings)

    def _suggestion(self, name: str, value: object) -> str:
        known = ", ".join(self._known)
        near = get_close_matches(name.lower().replace("-", "_"), self._known, n=1, cutoff=0.6)
        if near:
            return f"did you mean {near[0]}? The known keys are {known}"
        if isinstance(value, dict) and self.key:
            joined = f"{self.key[-1]}.{name}"
            return (
                f"write a name that contains a dot in quotes: [{dotted((*self.key[:-1], joined))}];"
                f" the known keys are {known}"
            )
        table = f" in [{dotted(self.key)}]" if self.key else ""
        return f"remove it; the known keys{table} are {known}"
