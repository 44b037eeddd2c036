"""The events that the code logs, read from its source, and the README's table of the catalogue's.

Run as a program it writes that table anew.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from syncd.log import LEVELS
from syncd.logs.catalogue import CATALOGUE, Event

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
SOURCE = ROOT / "syncd"
LOGGERS = {"log", "structlog.get_logger()"}


@dataclass
class Logged:
    """An event as it is logged; `varies` stands among the levels where they are worked out."""

    levels: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)


def logged_events(source: Path = SOURCE) -> dict[str, Logged]:
    """Return every event that is logged. Fails for a call whose event or fields are not plain."""
    events: dict[str, Logged] = {}
    for file in sorted(source.rglob("*.py")):
        for call in _calls(ast.parse(file.read_text(encoding="utf-8"))):
            level, name, fields = _read(call, file)
            event = events.setdefault(name, Logged())
            event.levels.add(level)
            event.fields |= fields
    return events


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    """Every call on a logger: a module's `log`, or what structlog gives at once."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=logger)) if ast.unparse(logger) in LOGGERS:
                yield node


def _read(call: ast.Call, file: Path) -> tuple[str, str, set[str]]:
    where = f"{file}:{call.lineno}"
    assert isinstance(call.func, ast.Attribute)
    level, args = call.func.attr, call.args
    if level == "log":
        level, args = "varies", args[1:]
    assert level in {*LEVELS, "varies"}, f"{where}: say the level"
    match args:
        case [ast.Constant(value=str(name))]:
            pass
        case _:
            raise AssertionError(f"{where}: an event's name is one word as it stands")
    fields = {"traceback" if word.arg == "exc_info" else word.arg for word in call.keywords}
    named = {word for word in fields if word is not None}
    assert named == fields, f"{where}: write each field by its name"
    return level, name, named


def of_catalogue() -> str:
    """Return the README's table."""
    head = "| event | level | fields | when | what to do |\n|---|---|---|---|---|\n"
    return head + "".join(_row(event) for event in CATALOGUE)


def _row(event: Event) -> str:
    fields = ", ".join(f"`{name}`" for name in event.fields)
    until = " or ".join(f"`{name}`" for name in event.ended_by)
    when = f"{event.when}; until {until}" if until else event.when
    cells = (f"`{event.name}`", ", ".join(event.levels), fields, when, event.remedy)
    return re.sub(" +", " ", f"| {' | '.join(cells)} |\n")


def in_readme() -> str:
    """Return the table as the README has it."""
    return _parts()[1]


def _parts() -> tuple[str, str, str]:
    text = README.read_text(encoding="utf-8")
    found = re.search(r"(?<=<!-- events -->\n)(?:\|.*\n)+", text)
    assert found, "the README has no table marked events"
    return text[: found.start()], found[0], text[found.end() :]


if __name__ == "__main__":
    before, _, after = _parts()
    README.write_text(before + of_catalogue() + after, encoding="utf-8")
