"""Commands that do not open the ledger work with a configuration that does not name it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from syncd.cli.app import app

CONFIG = """
[graph]
base_url = "http://127.0.0.1:1"
token = { command = ["/bin/echo", "a-token"] }
[accounts.main]
id = "1"
[folders.spring]
path = "/srv/spring"
account = "main"
[[notify]]
command = ["/bin/cat"]
on = ["alert"]
"""


@pytest.mark.parametrize("words", [("notify", "test"), ("token", "show")])
def test_the_receivers_and_the_tokens_do_not_need_a_ledger(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG)
    ended = CliRunner().invoke(app, [*words, "--config", str(config)])
    assert ended.exit_code in (0, 1), ended.output  # 1: no API was reached
    assert "ledger.path" not in ended.output
    needing = CliRunner().invoke(app, ["status", "--config", str(config)])
    assert (needing.exit_code, "ledger.path: is missing" in needing.stderr) == (78, True)
