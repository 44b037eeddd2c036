"""Shell completion offers the commands and options of --help."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.readme import table

SYNCD = Path(sys.executable).with_name("syncd")


def offered(*words: str) -> list[str]:
    """Return the completions of the last word, as bash requests them by typer's script."""
    variables = {
        "_SYNCD_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    ended = subprocess.run(
        [SYNCD], env=os.environ | variables, check=True, capture_output=True, text=True
    )
    assert ended.stderr == ""
    return ended.stdout.split()


def test_completion_offers_every_command() -> None:
    commands = [row[0].strip("`").split()[1] for row in table("commands")]
    assert sorted(offered("syncd", "")) == sorted(set(commands))


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("syncd", "st"), ["status"]),
        (("syncd", "ledger", "b"), ["backup"]),
        (("syncd", "check", "--a"), ["--as"]),
        (("syncd", "export", "--format", "j"), ["json"]),
        (("syncd", "run", "--nothing"), []),
    ],
)
def test_completion_offers_commands_options_and_values_with_a_prefix(
    words: tuple[str, ...], found: list[str]
) -> None:
    assert offered(*words) == found
