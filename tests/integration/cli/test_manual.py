"""The man pages are up to date and complete, and man renders them without a warning."""

import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
from support.commands import summaries
from support.readme import ROOT
from typer.testing import CliRunner

from syncd.cli.app import app
from syncd.cli.errors import Exit
from syncd.logs.catalogue import CATALOGUE
from syncd.man.pages import files, pages
from syncd.man.topics import topics

PAGES = {page.name: page for page in pages(app)}
FILES = {file.name: file for file in files(app)}
runner = CliRunner(env={"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"})


def test_the_man_pages_are_up_to_date_with_their_sources() -> None:
    for file, source in files(app).items():
        assert file.read_text(encoding="ascii") == source, "run: python -m syncd.man"


def rendered(name: str, columns: int) -> str:
    """Return a page as a terminal of that width shows it; fail at any warning."""
    shown = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-P-cbou", f"-rLL={columns}n", str(FILES[name])],
        check=True,
        capture_output=True,
        text=True,
    )
    assert shown.stderr == ""
    return shown.stdout


needs_groff = pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")


@needs_groff
@pytest.mark.parametrize("name", FILES)
def test_a_page_of_80_columns_has_no_wider_line_and_no_hyphenated_command(name: str) -> None:
    lines = rendered(name, 80).splitlines()
    assert [line for line in lines if len(line) > 80] == []
    assert [line for line in lines if line.endswith("\N{HYPHEN}")] == []


@needs_groff
def test_the_rendered_page_of_the_commands_has_every_command_option_and_exit_code() -> None:
    shown = rendered("syncd.1", 300)
    text = " ".join(shown.split())
    for command, summary in summaries().items():
        assert f"syncd {command} " in text
        assert summary.replace("`", "") in text
    for option in (
        "--config, -c PATH",
        "--format csv|json",
        "--replace",
        "[ACTION]",
    ):
        assert option in text
    for code in Exit:
        assert re.search(rf"^ +{int(code)} +\w", shown, re.MULTILINE), code
    for section in ("EXIT STATUS", "ENVIRONMENT", "SIGNALS", "FILES", "EXAMPLES", "SEE ALSO"):
        assert f"\n{section}\n" in shown


@needs_groff
def test_the_rendered_page_of_the_configuration_has_every_section_and_key() -> None:
    text = rendered("syncd.toml.5", 80)
    example = (ROOT / "config.example.toml").read_text()
    keys = re.findall(r"^#?(?:   )?(\w+) = ", example, re.MULTILINE)
    assert "budget" in keys
    for key in keys:
        assert re.search(rf"^ +{key} = ", text, re.MULTILINE), key
    for section in re.findall(r"^\[.+\]$", example, re.MULTILINE):
        assert f"\n{section}\n" in text


@needs_groff
def test_the_rendered_page_of_the_events_has_every_event_and_its_fields() -> None:
    text = " ".join(rendered("syncd-events.7", 300).split())
    for event in CATALOGUE:
        assert f"{event.name} ({', '.join(event.levels)})" in text
        assert " ".join(event.when.replace("`", "").split()) in text
        assert f"fields: {', '.join(event.fields)}" in text or not event.fields


def test_help_shows_each_topic_and_lists_them_all() -> None:
    listed = runner.invoke(app, ["help"]).output
    for name, topic in topics().items():
        assert re.search(rf"^{name} +{re.escape(topic.title)}$", listed, re.MULTILINE)
        shown = runner.invoke(app, ["help", name])
        assert shown.exit_code == 0
        assert len(shown.output.splitlines()) > 2
    deletions = runner.invoke(app, ["help", "deletions"]).output
    assert deletions.startswith("DELETIONS AND WHAT IS KEPT\n")
    assert "syncd deletions trust FOLDER" in " ".join(deletions.split())
    assert "BACKUP" not in deletions


def test_no_two_sections_of_the_manual_have_one_topic_name() -> None:
    sections = [
        line.split()[1].strip(",").lower()
        for name in ("operation", "commands")
        for line in (ROOT / f"syncd/man/{name}.md").read_text().splitlines()
        if line.startswith("# ") and line not in ("# Description", "# See also")
    ]
    assert len(topics()) == len(sections) + len(("config", "events", "operation"))


def test_every_page_is_installed_where_man_finds_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    installed = project["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    assert installed == {
        f"syncd/man/{page.file}": f"share/man/man{page.section}/{page.file}"
        for page in PAGES.values()
    }


def test_a_terminal_that_does_not_report_its_width_shows_a_topic() -> None:
    reading, writing = os.openpty()  # of 0 columns, as a serial console
    with open(reading, "rb", 0) as output:
        with open(writing, "wb", 0) as terminal:
            command = [sys.executable, "-m", "syncd", "help", "reload"]
            ended = subprocess.run(command, stdout=terminal, stderr=subprocess.PIPE, check=False)
            assert (ended.returncode, ended.stderr) == (0, b"")
        assert output.read(65_536).startswith(b"RELOAD OF THE CONFIGURATION\r\n")
