"""`syncd explain` prints what the table of errors has."""

import json

import pytest
from typer.testing import CliRunner, Result

from syncd.cli.app import app
from syncd.cli.errors import Exit
from syncd.rules.errors import TABLE

runner = CliRunner()


def explain(*words: str) -> Result:
    return runner.invoke(app, ["explain", *words])


@pytest.mark.parametrize("words", [("190/463",), ("190", "463"), ("(#190/463)",)])
def test_a_code_is_explained_with_scope_consequence_and_remedy(words: tuple[str, ...]) -> None:
    ended = explain(*words)
    assert ended.exit_code == Exit.DONE
    first, *_ = ended.output.splitlines()
    assert first == "190/463: the token has expired"
    for text in ("kind   token refused", "scope  token: ", "syncd  ", "to do  replace the token"):
        assert f"\n  {text}" in ended.output


def test_without_a_code_every_row_of_the_table_is_listed() -> None:
    ended = explain()
    assert ended.exit_code == Exit.DONE
    for row in TABLE:
        assert row.meaning in ended.output
    assert len(json.loads(explain("--json").output)) == len(TABLE)


def test_an_unknown_code_exits_with_1_and_explains_unknown_codes() -> None:
    ended = explain("463")
    assert ended.exit_code == Exit.NOT_ALL
    assert "463: an error that syncd does not know" in ended.output
    assert "no image is rejected" in " ".join(ended.output.split())
    assert "As a subcode, 463 belongs to 190/463." in ended.output
    assert json.loads(explain("463", "--json").output)["is_known"] is False


def test_a_text_that_is_not_a_code_is_wrong_usage() -> None:
    assert explain("expired").exit_code == Exit.USAGE
