"""The commands of the README, and of the README of the monitoring, for the tests and for CI."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
MONITORING = ROOT / "systemd/watch/README.md"


def lines_in(text: str, name: str) -> list[str]:
    """Return the lines of the code below `<!-- name -->` in a text."""
    found = re.search(rf"<!-- {name} -->\n+```\w+\n(.*?)```", text, re.DOTALL)
    assert found, f"no code is marked {name}"
    return found[1].splitlines()


def lines_of(name: str, file: Path = README) -> list[str]:
    """Return the lines of the code below `<!-- name -->` in a file."""
    return lines_in(file.read_text("utf-8"), name)


def command(name: str) -> str:
    """Return the one-line shell command below `<!-- name -->` in the README."""
    (line,) = lines_of(name)
    return line


if __name__ == "__main__":
    print(command(sys.argv[1]))
