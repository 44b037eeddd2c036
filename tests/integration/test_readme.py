"""The README's commands and tables, the help and the project's files agree with the code."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.readme import README, ROOT, command, table
from typer import Typer
from typer.testing import CliRunner

from syncd.cli.app import app
from syncd.cli.errors import Exit
from syncd.config import load
from syncd.logs.catalogue import CATALOGUE
from syncd.man import events_table

COMMANDS = {row[0].strip("`").removeprefix("syncd "): row[1] for row in table("commands")}
runner = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"})


def commands(group: Typer, words: str = "") -> Iterator[str]:
    """Yield every command of a group, in the words typed after `syncd`."""
    for info in group.registered_commands:
        assert info.callback is not None
        yield words + (info.name or info.callback.__name__)
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from commands(inner.typer_instance, f"{words}{inner.typer_instance.info.name} ")


def test_the_readme_lists_exactly_the_commands() -> None:
    assert set(COMMANDS) == set(commands(app))


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_begins_with_its_description_in_the_readme(name: str) -> None:
    result = runner.invoke(app, [*name.split(), "--help"])
    assert result.exit_code == 0
    assert COMMANDS[name] in " ".join(result.output.split())
    assert ("--config" in result.output) == (name not in ("events", "help", "sandbox", "demo"))


def test_the_readme_has_every_exit_code() -> None:
    codes = {int(row[0]) for row in table("exits")}
    assert codes == {*map(int, Exit), 2}  # 2 is that of the command line's parser


def test_the_readmes_event_table_is_up_to_date_with_the_catalogue() -> None:
    assert events_table.table_in_readme() == events_table.table(), "run: python -m syncd.man"


def test_syncd_events_prints_the_catalogue() -> None:
    listed = json.loads(runner.invoke(app, ["events", "--json"]).output)
    assert listed == [
        {
            "name": event.name,
            "levels": list(event.levels),
            "fields": list(event.fields),
            "when": event.when,
            "remedy": event.remedy,
            "ended_by": list(event.ended_by),
        }
        for event in CATALOGUE
    ]
    printed = " ".join(runner.invoke(app, ["events"]).output.split())
    for event in CATALOGUE:
        until = f"until: {', '.join(event.ended_by)}" if event.ended_by else ""
        levels = f"`{event.name}` ({', '.join(event.levels)})"
        for words in (levels, event.when, event.remedy, until):
            assert " ".join(words.split()) in printed


def test_syncd_events_prints_one_event_or_those_of_one_subject() -> None:
    one = runner.invoke(app, ["events", "account.paused"]).output
    assert one.startswith("    `account.paused` (")
    assert "`account.resumed` (" not in one
    found = json.loads(runner.invoke(app, ["events", "watch", "--json"]).output)
    assert {event["name"] for event in found} == {
        event.name for event in CATALOGUE if event.name.startswith("watch.")
    }


def test_syncd_events_suggests_the_event_with_a_similar_name() -> None:
    ended = runner.invoke(app, ["events", "acount.paused"])
    assert ended.exit_code == Exit.NOT_ALL
    assert "did you mean account.paused?" in ended.stderr


@pytest.mark.parametrize(
    ("shell", "typed"),
    [
        ("bash", {"COMP_WORDS": "syncd ba", "COMP_CWORD": "1"}),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "syncd ba"}),
        ("fish", {"_TYPER_COMPLETE_ARGS": "syncd ba", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}),
    ],
)
def test_a_shell_completes_commands(shell: str, typed: dict[str, str]) -> None:
    ended = subprocess.run(
        [Path(sys.executable).parent / "syncd"],
        env={**os.environ, "_SYNCD_COMPLETE": f"complete_{shell}", **typed},
        check=False,
        capture_output=True,
        text=True,
    )
    assert "backfill" in ended.stdout
    assert "status" not in ended.stdout


def test_ci_runs_the_readmes_test_command() -> None:
    assert "support/readme.py test" in (ROOT / ".ci/run").read_text()
    for name in ("demo", "test"):
        assert command(name).startswith("python3 -m venv .venv && ")
    assert command("demo").endswith("syncd demo")
    assert "&& .venv/bin/pytest" in command("test")


def test_the_minimal_configuration_in_the_readme_is_valid(tmp_path: Path) -> None:
    text = README.read_text().split("```toml\n")[1].split("```")[0]
    file = tmp_path / "config.toml"
    file.write_text(text)
    assert load(file, {}).accounts


def test_the_top_level_has_only_the_expected_files() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    top = {name.split("/")[0] for name in listed}
    assert top <= {
        ".ci", ".gitignore", "LICENSE", "README.md", "config.example.toml", "pyproject.toml",
        "syncd", "systemd", "tests",
    }  # fmt: skip


def test_imported_packages_are_declared_as_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {line.split(">")[0].split("[")[0] for line in project["dependencies"]}
    assert {
        "aiohttp",
        "aiosqlite",
        "watchfiles",
        "msgspec",
        "structlog",
        "typer",
        "rich",
    } <= declared


def test_the_files_where_the_readme_begins_exist() -> None:
    named = [name for _, names in table("places") for name in re.findall(r"`([^`]+\.py)`", names)]
    assert named
    assert [name for name in named if not (ROOT / "syncd" / name).is_file()] == []
