"""The configuration file: its option may precede the command, and a variable is its default."""

import pytest

from syncd.cli.options import with_config_last


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--config a.toml status", "status --config a.toml"),
        ("-c a.toml ledger backup b.db", "ledger backup b.db -c a.toml"),
        ("--config=a.toml find x", "find x --config=a.toml"),
        ("--config a.toml find -- -x.jpg", "find --config a.toml -- -x.jpg"),
        ("status --config a.toml", "status --config a.toml"),
        ("--config", "--config"),
        ("--version", "--version"),
        ("", ""),
    ],
)
def test_a_configuration_before_the_command_is_moved_behind_it(words: str, expected: str) -> None:
    assert with_config_last(words.split()) == expected.split()
