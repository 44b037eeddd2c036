"""The tables in README.md of the benchmark: each row is written where the page has its block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.row import HEAD, Row

README = Path(__file__).with_name("README.md")


def table(rows: Sequence[Row]) -> str:
    """Return rows as a table in Markdown."""
    lines = [HEAD, ["---"] * len(HEAD), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def replaced(page: str, tables: Mapping[str, Sequence[Row]], machine: str) -> str:
    """Return the page with new tables and the machine that they were measured on.

    The block of a row begins with `<!-- row NAME -->` and ends with `<!-- end -->`. Raises KeyError
    with the name of a row that has no block.
    """
    for name, rows in tables.items():
        begin, end = f"<!-- row {name} -->\n", "<!-- end -->"
        before, found, rest = page.partition(begin)
        if not found:
            raise KeyError(name)
        page = f"{before}{begin}\n{table(rows)}\n\n{machine}\n\n{end}{rest.partition(end)[2]}"
    return page
