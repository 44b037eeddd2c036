"""The events that the code logs, read from its source."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from syncd.log import LEVELS

SOURCE = Path(__file__).parents[2] / "syncd"
LOGGERS = {"log", "structlog.get_logger()"}


@dataclass
class Logged:
    """The levels and fields of one event; the level `varies` is one computed at run time."""

    levels: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)


def logged_events(source: Path = SOURCE) -> dict[str, Logged]:
    """Return every event that the source logs, by name.

    Fails for a call with an event name or fields that are not written out in it.
    """
    events: dict[str, Logged] = {}
    for file in sorted(source.rglob("*.py")):
        for call in _calls(ast.parse(file.read_text(encoding="utf-8"))):
            level, name, fields = _read(call, file)
            event = events.setdefault(name, Logged())
            event.levels.add(level)
            event.fields |= fields
    return events


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    """Yield every call of a method of `log` or of `structlog.get_logger()`."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=logger)) if ast.unparse(logger) in LOGGERS:
                yield node


def _read(call: ast.Call, file: Path) -> tuple[str, str, set[str]]:
    where = f"{file}:{call.lineno}"
    assert isinstance(call.func, ast.Attribute)
    level, args = call.func.attr.removesuffix("_each"), call.args
    if level == "log":
        level, args = "varies", args[1:]
    assert level in {*LEVELS, "varies"}, f"{where}: name the level"
    match args:
        case [ast.Constant(value=str(name))]:
            pass
        case _:
            raise AssertionError(f"{where}: write the event's name as a literal")
    fields = {"traceback" if word.arg == "exc_info" else word.arg for word in call.keywords}
    named = {word for word in fields if word is not None}
    assert named == fields, f"{where}: name each field"
    return level, name, named
