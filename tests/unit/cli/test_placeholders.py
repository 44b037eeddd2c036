"""The placeholders of `--help`: words for values, and nothing after a flag."""

import re
from collections.abc import Iterator

import pytest
from typer import Typer
from typer.testing import CliRunner

from syncd.cli.app import app


def commands(group: Typer, *words: str) -> Iterator[tuple[str, ...]]:
    yield words
    for one in group.registered_commands:
        assert one.callback is not None
        yield (*words, one.name or one.callback.__name__)
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from commands(inner.typer_instance, *words, str(inner.typer_instance.info.name))


@pytest.mark.parametrize("words", list(commands(app)), ids=" ".join)
def test_the_help_shows_no_types(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert shown.exit_code == 0
    assert "--help" in shown.output
    types = re.findall(r"<[^>|]*>", shown.output)  # but the values of an option, as in <csv|json>
    assert types == []
