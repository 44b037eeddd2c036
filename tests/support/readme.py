"""The README's commands and tables, for the tests and for CI."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


def command(name: str) -> str:
    """Return the one-line shell command below `<!-- name -->` in the README."""
    found = re.search(
        rf"<!-- {name} -->\n+```sh\n([^\n]+)\n```", README.read_text(encoding="utf-8")
    )
    assert found, f"the README has no one-line command marked {name}"
    return found[1]


def table(name: str) -> list[list[str]]:
    """Return the rows, without the heading, of the table below `<!-- name -->` in the README."""
    text = README.read_text(encoding="utf-8")
    found = re.search(rf"<!-- {name} -->\n+((?:\|.*\n)+)", text)
    assert found, f"the README has no table marked {name}"
    lines = found[1].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


if __name__ == "__main__":
    print(command(sys.argv[1]))
