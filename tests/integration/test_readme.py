"""The README, the help and the project's files agree with the code."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from support.commands import summaries
from support.readme import README, ROOT, command
from typer.testing import CliRunner

from syncd.cli.app import app
from syncd.cli.errors import Exit
from syncd.config import load
from syncd.logs.catalogue import CATALOGUE
from syncd.man.topics import topics

runner = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"})
WITHOUT_CONFIG = {"events", "explain", "help", "sandbox", "demo"}


@pytest.mark.parametrize(("name", "summary"), summaries().items())
def test_the_help_of_a_command_begins_with_its_summary(name: str, summary: str) -> None:
    result = runner.invoke(app, [*name.split(), "--help"])
    assert result.exit_code == 0
    assert summary in " ".join(result.output.split())
    assert ("--config" in result.output) == (name not in WITHOUT_CONFIG)


def test_the_commands_and_topics_that_the_readme_names_exist() -> None:
    text = README.read_text("utf-8")
    commands = {words.split()[0] for words in summaries()}
    assert set(re.findall(r"`(?:sudo )?syncd ([a-z]+)", text)) - commands == set()
    named = set(re.findall(r"`syncd help ([a-z]+)`", text))
    assert named
    assert named - set(topics()) == set()


def test_the_readme_is_short_and_narrow() -> None:
    lines = README.read_text("utf-8").splitlines()
    assert len(lines) <= 200
    assert [line for line in lines if len(line) > 100 and "pip" not in line] == []


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
    assert ended.exit_code == Exit.USAGE
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
