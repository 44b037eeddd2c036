"""The report of mistakes: all at once, in the order of the file, without a secret."""

import pytest
from support.config_text import PATH, config_text

from syncd.config import ConfigError
from syncd.config.load import loads

PLAIN = "looks-like-anything"
TOKEN = "EAABsbCS1iHgBAKZCZCkZD"


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file() -> None:
    text = """
[graph]
timeout = "1y"
[accounts.main]
id = "x"
[folders.a]
path = "a/../b"
account = "other"
[log]
level = 5
colour = 1
"""
    with pytest.raises(ConfigError) as caught:
        loads(text, PATH, {})
    assert [(p.line, p.key) for p in caught.value.problems] == [
        (None, "ledger.path"),
        (2, "graph.token"),
        (3, "graph.timeout"),
        (5, "accounts.main.id"),
        (7, "folders.a.path"),
        (8, "folders.a.account"),
        (10, "log.level"),
        (11, "log.colour"),
    ]


def test_the_report_has_a_paragraph_per_problem() -> None:
    with pytest.raises(ConfigError) as caught:
        loads(config_text({"log": 'level = "loud"', "pack": "images = 0"}), PATH, {})
    assert str(caught.value) == (
        '/etc/syncd/config.toml:11: log.level: "loud" is not a known value\n'
        '    write one of "debug", "info", "notice", "warning", "error"\n'
        "\n"
        "/etc/syncd/config.toml:13: pack.images: 0 is out of range\n"
        "    write an integer from 1 to 50, without quotes"
    )


def test_a_name_with_control_characters_is_shown_on_one_line() -> None:
    with pytest.raises(ConfigError) as caught:
        loads(config_text({'"a\\nb\\u001b"': ""}), PATH, {})
    (problem,) = caught.value.problems
    assert problem.key == r'"a\nb\u001b"'


SYNTAX = [
    (
        "[graph]\nversion = v25.0",
        (
            "/etc/syncd/config.toml:2: column 11: Invalid value\n"
            '    write a string in quotes, as in key = "text":\n'
            "    version = v25.0\n"
            "              ^"
        ),
    ),
    (
        "[log]\nlevel = 'info'\nlevel = 'debug'\n",
        (
            "/etc/syncd/config.toml:3: column 16: Cannot overwrite a value\n"
            "    write each key once:\n"
            "    level = 'debug'\n"
            "                   ^"
        ),
    ),
    (
        "[log]\n[log]",
        (
            "/etc/syncd/config.toml:2: column 5: Cannot declare ('log',) twice\n"
            "    write each table once, with all its keys below it:\n"
            "    [log]\n"
            "        ^"
        ),
    ),
    (
        "[log]\nx = [\n",
        (
            "/etc/syncd/config.toml:2: column 6: Invalid value\n"
            '    write a string in quotes, as in key = "text":\n'
            "    x = [\n"
            "         ^"
        ),
    ),
]


@pytest.mark.parametrize(("text", "report"), SYNTAX)
def test_a_syntax_error_is_reported_with_its_line(text: str, report: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loads(text, PATH, {})
    assert str(caught.value) == report


@pytest.mark.parametrize(
    "line",
    [
        f"token = {TOKEN}",
        f'token = "{TOKEN}',
        f"app_secret = {'0a' * 16}",
        f"'token' = 'x' 'short-one-{TOKEN}'",
        f"note = {TOKEN}",
        f"token = {PLAIN}",
        f"[graph]\n'app_secret' = '{PLAIN}",
        f"x = 123456789|{TOKEN}",
        f'[graph]\naccess_token = "{TOKEN}"',
        f'[graph]\nversion = "{TOKEN}"',
        f'[graph]\ntoken = {{ file = "{TOKEN}" }}',
        f'[graph]\ntoken = {{ env = "{TOKEN}" }}',
        f"[graph]\n{TOKEN} = 1",
        f'[folders.a]\naccount = "{TOKEN}"\npath = "{TOKEN}"',
    ],
)
def test_a_report_contains_no_secret(line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loads(line, PATH, {})
    for secret in (TOKEN, TOKEN[:14], "0a" * 16, PLAIN):
        assert secret not in str(caught.value)
        assert secret not in repr(caught.value)
