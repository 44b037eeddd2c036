"""A name that does not exist ends every command as wrong usage does, and the closest is named."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from syncd.cli.app import app
from syncd.cli.errors import Exit

CONFIG = """
[graph]
token = {{ env = "SYNCD_TEST_TOKEN" }}
[ledger]
path = "{path}/ledger.db"
[accounts.main]
id = "1"
[folders.spring]
path = "{path}/folder"
account = "main"
[[notify]]
command = ["true"]
name = "chat"
"""


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        (("audit", "--accept", "mian"), "main"),
        (("backfill", "--account", "mian"), "main"),
        (("deletions", "approve", "sprin"), "spring"),
        (("deletions", "trust", "sprin"), "spring"),
        (("export", "--account", "mian"), "main"),
        (("log", "--account", "mian"), "main"),
        (("notify", "test", "chatt"), "chat"),
        (("pause", "mian"), "main"),
        (("plan", "--folder", "sprin"), "spring"),
        (("report", "out.html", "--account", "mian"), "main"),
        (("report", "out.html", "--folder", "sprin"), "spring"),
        (("resume", "mian"), "main"),
        (("status", "--account", "mian"), "main"),
    ],
)
def test_the_closest_name_of_the_configuration_is_suggested(
    tmp_path: Path, words: tuple[str, ...], nearest: str
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(path=tmp_path))
    ended = CliRunner().invoke(app, [*words, "--config", str(config)])
    assert ended.exit_code == Exit.USAGE
    assert f"did you mean {nearest}?" in ended.stderr
    assert not (tmp_path / "ledger.db").exists()


@pytest.mark.parametrize(
    ("words", "nearest"),
    [(("help", "deletion"), "`syncd help deletions`"), (("events", "image.heldd"), "image.held")],
)
def test_the_closest_topic_or_event_is_suggested(words: tuple[str, ...], nearest: str) -> None:
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == Exit.USAGE
    assert f"did you mean {nearest}?" in ended.stderr


def test_a_test_of_notifications_without_a_receiver_names_the_table_to_add(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.partition("[[notify]]")[0].format(path=tmp_path))
    ended = CliRunner().invoke(app, ["notify", "test", "--config", str(config)])
    assert ended.exit_code == Exit.NOT_ALL
    assert "add a [[notify]] table" in ended.stderr
