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


def written(directory: Path) -> str:
    """Write a configuration, and return its path."""
    config = directory / "config.toml"
    config.write_text(f'[ledger]\npath = "{directory}/ledger.db"\n{CONFIG}')
    return str(config)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("log", "--account", "m"), ["main", "maine"]),
        (("export", "--account", "m"), ["main", "maine"]),
        (("images", "list", "--account", "m"), ["main", "maine"]),
        (("images", "copy", "--from", "m"), ["main", "maine"]),
        (("audit", "--accept", "m"), ["main", "maine"]),
        (("pause", "m"), ["main", "maine"]),
        (("resume", "main", "m"), ["main", "maine"]),
        (("token", "set", "m"), ["main", "maine"]),
        (("deletions", "trust", "s"), ["spring", "summer"]),
    ],
)
def test_completion_offers_names_wherever_a_command_takes_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], found: list[str]
) -> None:
    monkeypatch.setenv("SYNCD_CONFIG", written(tmp_path))
    assert offered("syncd", *words) == found


@pytest.mark.parametrize("command", ["status", "plan", "backfill"])
def test_completion_offers_the_names_of_the_configuration(tmp_path: Path, command: str) -> None:
    words = ("syncd", command, "--config", written(tmp_path))
    assert offered(*words, "--account", "m") == ["main", "maine"]
    assert offered(*words, "--account", "x") == []
    assert offered(*words, "--account", "main", "--folder", "su") == ["summer"]


def test_completion_without_a_valid_configuration_offers_no_names(tmp_path: Path) -> None:
    words = ("syncd", "status", "--config", str(tmp_path / "none.toml"))
    assert offered(*words, "--account", "") == []
