"""Every event that the code logs, read from its source: name, levels, fields."""

import ast
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "syncd"
LEVELS = {"debug", "info", "warning", "error"}


@dataclass
class Event:
    """An event by its name; `varies` stands among the levels where they are worked out."""

    levels: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)


def logged_events() -> dict[str, Event]:
    """Return every event of a call such as `log.info("event", field=…)`."""
    events: dict[str, Event] = {}
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="log"), attr=level),
                    args=[*before, ast.Constant(value=str(name))],
                    keywords=keywords,
                ) if level in LEVELS or (level == "log" and before):
                    event = events.setdefault(name, Event())
                    event.levels.add(level if level in LEVELS else "varies")
                    event.fields |= {keyword.arg for keyword in keywords if keyword.arg}
    return events


if __name__ == "__main__":
    for name, event in sorted(logged_events().items()):
        fields = ", ".join(f"`{f}`" for f in sorted(event.fields))
        print(f"| `{name}` | {', '.join(sorted(event.levels))} | {fields} | |")
