"""The README's table of events, made from the catalogue."""

import re
from pathlib import Path

from syncd.logs.catalogue import CATALOGUE, Event

README = Path(__file__).parents[2] / "README.md"
"""Only a source tree has it: the generators are for developers."""

_TABLE = re.compile(r"(?<=<!-- events -->\n)(?:\|.*\n)+")


def table() -> str:
    """Return the table in Markdown, one row per event."""
    head = "| event | level | fields | when | what to do |\n|---|---|---|---|---|\n"
    return head + "".join(_row(event) for event in CATALOGUE)


def table_in_readme() -> str:
    """Return the table that the README contains; raise ValueError if it has no table."""
    found = _TABLE.search(README.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{README} has no table below <!-- events -->")
    return found[0]


def write() -> None:
    """Replace the table in the README."""
    old = table_in_readme()
    text = README.read_text(encoding="utf-8")
    README.write_text(text.replace(old, table()), encoding="utf-8")


def _row(event: Event) -> str:
    fields = ", ".join(f"`{name}`" for name in event.fields)
    until = " or ".join(f"`{name}`" for name in event.ended_by)
    when = f"{event.when}; until {until}" if until else event.when
    cells = (f"`{event.name}`", ", ".join(event.levels), fields, when, event.remedy)
    return re.sub(" +", " ", f"| {' | '.join(cells)} |\n")
