"""Shell completion offers the commands and options of --help."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import summaries

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
    commands = {words.split()[0] for words in summaries()}
    assert sorted(offered("syncd", "")) == sorted(commands)


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


CONFIG = """
[graph]
version = "v25.0"
token = { env = "T" }
[accounts.main]
id = "1"
[accounts.maine]
id = "2"
[folders.spring]
path = "/srv/spring"
account = "main"
[folders.summer]
path = "/srv/summer"
account = "main"
"""


@pytest.mark.parametrize("command", ["status", "plan"])
def test_completion_offers_the_names_of_the_configuration(tmp_path: Path, command: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'[ledger]\npath = "{tmp_path}/ledger.db"\n{CONFIG}')
    words = ("syncd", command, "--config", str(config))
    assert offered(*words, "--account", "m") == ["main", "maine"]
    assert offered(*words, "--account", "x") == []
    assert offered(*words, "--account", "main", "--folder", "su") == ["summer"]


def test_completion_without_a_valid_configuration_offers_no_names(tmp_path: Path) -> None:
    words = ("syncd", "status", "--config", str(tmp_path / "none.toml"))
    assert offered(*words, "--account", "") == []
