"""What the shell offers after `syncd`: the commands and options that --help has."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.readme import table

SYNCD = Path(sys.executable).with_name("syncd")


def offered(*words: str) -> list[str]:
    """Return what bash is told to offer for the last of these words, as typer's script asks it."""
    asked = {
        "_SYNCD_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    ended = subprocess.run(
        [SYNCD], env=os.environ | asked, check=True, capture_output=True, text=True
    )
    assert ended.stderr == ""
    return ended.stdout.split()


def test_every_command_is_offered() -> None:
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
def test_what_begins_so_is_offered(words: tuple[str, ...], found: list[str]) -> None:
    assert offered(*words) == found
