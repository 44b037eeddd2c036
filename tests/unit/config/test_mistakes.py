"""Every mistake that a configuration can hold, and the sentence that it gets."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields

from syncd.config import (
    AccountConfig,
    AuditConfig,
    BatchConfig,
    ConfigError,
    DeletionsConfig,
    FolderConfig,
    GraphConfig,
    LedgerConfig,
    LogConfig,
    Problem,
    WatchConfig,
)
from syncd.config.load import loads

PATH = Path("/etc/syncd/config.toml")
PLAIN = "looks-like-anything"
TOKEN = "EAABsbCS1iHgBAKZCZCkZD"

GOOD: dict[str, str] = {
    "graph": 'token = { env = "SYNCD_TOKEN" }',
    "ledger": 'path = "/var/lib/syncd/ledger.db"',
    "accounts.main": 'id = "act_1"',
    "folders.spring": 'path = "/srv/spring"\naccount = "main"',
}


def written(changes: dict[str, str | None]) -> str:
    tables = {**GOOD, **changes}
    return "\n".join(f"[{name}]\n{body}" for name, body in tables.items() if body is not None)


def problems(text: str) -> list[str]:
    return [f"{p.key}: {p.wrong} | {p.write}" for p in found(text)]


def found(text: str) -> list[Problem]:
    try:
        loads(text, PATH, {})
    except ConfigError as error:
        return error.problems
    return []


def spring(lines: str) -> dict[str, str | None]:
    return {"folders.spring": f'path = "/srv/spring"\naccount = "main"\n{lines}'}


HUGE = "a number of more than 64 bits"
DURATION = 'write a number and ms, s, m, h or d, such as "2s", "15m"; from'
SIZE = 'write a number and a unit, such as "24MiB", "300KB"; from 64KiB to 128MiB'
SOURCES = (
    'write { credential = "syncd.token" }, { file = "/etc/syncd/token" }'
    ' or { env = "SYNCD_TOKEN" }, and put the secret itself there'
)
URL = 'write "https://graph.facebook.com", or "http://127.0.0.1:PORT" for a sandbox'
ABSOLUTE = 'write an absolute one, such as "/srv/creatives/spring"'
ID = 'write the account\'s number with or without act_, such as "act_1234567890"'
ONE_TREE = (
    "write folders that share no file: leave one of the two out, or move it;"
    ' mirrors of "spring" bring its images to more accounts'
)
NAMES = "write letters, digits, _, - and . only, 64 at most, and a letter or digit first"

MISTAKES: list[tuple[dict[str, str | None], str]] = [
    # keys
    (
        {"wach": 'settle = "2s"'},
        (
            "wach: is not known here | did you mean watch?"
            " Known are graph, accounts, ledger, folders, watch, pack, deletions, audit, log"
        ),
    ),
    (
        {"log": "colour = true"},
        "log.colour: is not known here | leave it out; [log] knows level, format, stats_every",
    ),
    (
        spring('Includes = ["*.jpg"]'),
        (
            "folders.spring.Includes: is not known here | did you mean include?"
            " Known are path, account, mirrors, copy, include, exclude, deletions"
        ),
    ),
    (
        {"folders.spring.2024": 'path = "/x"'},
        (
            "folders.spring.2024: is not known here | known are path, account, mirrors, copy,"
            " include, exclude, deletions; a name with a dot in it is written in quotes:"
            ' [folders."spring.2024"]'
        ),
    ),
    ({"watch": None, "pack": None, "[log]": ""}, "log: is a list, not a table | write [log]"),
    # the graph
    (
        {"graph": f'token = "{TOKEN}"'},
        "graph.token: a secret does not belong in this file, which others may read | " + SOURCES,
    ),
    (
        {"graph": f'token = {{ env = "{TOKEN}" }}'},
        "graph.token: has a secret for env, where the place of one is named | " + SOURCES,
    ),
    (
        {"graph": 'token = { env = "A", file = "/a" }'},
        "graph.token: needs one of the keys credential, file and env, and no other | " + SOURCES,
    ),
    (
        {"graph": f'token = {{ literal = "{TOKEN}" }}'},
        "graph.token: needs one of the keys credential, file and env, and no other | " + SOURCES,
    ),
    (
        {"graph": "token = 5"},
        "graph.token: is the number 5, and does not say where the secret is | " + SOURCES,
    ),
    (
        {"graph": "token = { env = 5 }"},
        "graph.token: has the number 5 for env, where a text should stand | " + SOURCES,
    ),
    (
        {"graph": 'token = { env = "MY TOKEN" }'},
        'graph.token: "MY TOKEN" is no variable\'s name | ' + SOURCES,
    ),
    (
        {"graph": 'token = { credential = "../shadow" }'},
        'graph.token: "../shadow" is no credential\'s name | ' + SOURCES,
    ),
    (
        {"graph": 'token = { file = "token" }'},
        (
            'graph.token: is "token", which is no absolute path'
            ' | write an absolute one, such as "/etc/syncd/token"'
        ),
    ),
    (
        {"graph": ""},
        (
            'graph.token: is missing, and of the accounts "main" has none of its own'
            ' | write token = { credential = "syncd.token" } under [graph] for all accounts,'
            " or under [accounts.NAME] for one"
        ),
    ),
    (
        {"graph": GOOD["graph"] + '\nversion = "25"'},
        'graph.version: is "25" | write a version of the Graph API, such as "v25.0"',
    ),
    (
        {"graph": GOOD["graph"] + '\nbase_url = "http://graph.facebook.com"'},
        (
            'graph.base_url: is "http://graph.facebook.com": over plain http the token could be'
            f" read on the way to graph.facebook.com | {URL}"
        ),
    ),
    (
        {"graph": GOOD["graph"] + '\nbase_url = "http://localhost.example"'},
        (
            'graph.base_url: is "http://localhost.example": over plain http the token could be read'
            f" on the way to localhost.example | {URL}"
        ),
    ),
    (
        {"graph": GOOD["graph"] + '\nbase_url = "https://me:pw@graph.facebook.com"'},
        f"graph.base_url: has a user name or password in it | {URL}",
    ),
    (
        {"graph": GOOD["graph"] + f'\nbase_url = "https://example.com/?access_token={TOKEN}"'},
        f"graph.base_url: has a query or a fragment in it | {URL}",
    ),
    (
        {"graph": GOOD["graph"] + '\nbase_url = "ftp://127.0.0.1"'},
        f'graph.base_url: is "ftp://127.0.0.1", which is no http or https URL | {URL}',
    ),
    (
        {"graph": GOOD["graph"] + '\nbase_url = "http://127.0.0.1:99999"'},
        f'graph.base_url: is "http://127.0.0.1:99999", which is no URL | {URL}',
    ),
    (
        {"graph": GOOD["graph"] + "\ntimeout = 60"},
        f"graph.timeout: is the number 60, and its unit is not known | {DURATION} 1s to 10m",
    ),
    # the ledger
    (
        {"ledger": None},
        'ledger.path: is missing | write path = "/var/lib/syncd/ledger.db" under [ledger]',
    ),
    (
        {"ledger": 'path = "/srv/spring/.syncd/ledger.db"'},
        (
            'ledger.path: "/srv/spring/.syncd/ledger.db" lies inside the folder "spring"'
            ' | write a place that is not watched, such as "/var/lib/syncd/ledger.db"'
        ),
    ),
    # accounts
    (
        {"accounts.main": ""},
        'accounts.main.id: is missing | write id = "act_1234567890"',
    ),
    (
        {"accounts.main": "id = 1234567890"},
        f"accounts.main.id: is the number 1234567890, not a text in quotes | {ID}",
    ),
    (
        {"accounts.main": 'id = "act_1١"'},
        f'accounts.main.id: is "act_1١", which is no account\'s id | {ID}',
    ),
    (
        {"accounts.eu": 'id = "1"'},
        (
            "accounts.eu.id: is the id of accounts.main too (1) | write another id,"
            ' or leave [accounts.eu] out and name "main" in its folders'
        ),
    ),
    (
        {"accounts.main": 'id = "1"\nworkers = 65'},
        "accounts.main.workers: is 65 | write a number from 1 to 64, without quotes",
    ),
    (
        {"accounts.main": 'id = "1"\nworkers = "4"'},
        (
            "accounts.main.workers: is a text, not a whole number"
            " | write a number from 1 to 64, without quotes"
        ),
    ),
    (
        {"accounts.main": 'id = "1"\nworkers = true'},
        (
            "accounts.main.workers: is true, not a whole number"
            " | write a number from 1 to 64, without quotes"
        ),
    ),
    (
        {'accounts."-x"': 'id = "2"'},
        f"accounts.-x: is no name for an account or folder | {NAMES}",
    ),
    # folders
    (
        {"folders.spring": None},
        (
            "folders: there is no folder | write\n[folders.spring]\n"
            'path = "/srv/creatives/spring"\n'
            'account = "main"'
        ),
    ),
    (
        {"folders.spring": 'account = "main"'},
        'folders.spring.path: is missing | write path = "/srv/creatives/spring"',
    ),
    (
        {"folders.spring": 'path = "/srv/spring"'},
        'folders.spring.account: is missing | write account = "main"',
    ),
    (
        {"folders.spring": 'path = "~/spring"\naccount = "main"'},
        f'folders.spring.path: is "~/spring", which is no absolute path | {ABSOLUTE}',
    ),
    (
        {"folders.spring": 'path = "/srv/../etc"\naccount = "main"'},
        f'folders.spring.path: is "/srv/../etc", with ".." in it | {ABSOLUTE}',
    ),
    (
        {"folders.spring": 'path = "/srv/\\u0000"\naccount = "main"'},
        f"folders.spring.path: holds a NUL, which no path can | {ABSOLUTE}",
    ),
    (
        {"folders.spring": 'path = "/srv/spring"\naccount = "mian"'},
        (
            'folders.spring.account: there is no account "mian" | did you mean "main"?'
            ' There are "main"'
        ),
    ),
    (
        spring('mirrors = ["eu"]'),
        'folders.spring.mirrors: there is no account "eu" | there are "main"',
    ),
    (
        spring('mirrors = "eu"'),
        'folders.spring.mirrors: is a text, not a list | write a list of texts, such as ["a", "b"]',
    ),
    (
        spring("exclude = [1]"),
        (
            "folders.spring.exclude: holds the number 1 where a text should stand"
            ' | write a list of texts, such as ["a", "b"]'
        ),
    ),
    (
        spring('mirrors = ["main"]'),
        (
            'folders.spring.mirrors: names "main", which is the folder\'s account already'
            ' | leave "main" out of the mirrors'
        ),
    ),
    (
        {"accounts.eu": 'id = "2"', **spring('mirrors = ["eu", "eu"]')},
        'folders.spring.mirrors: names "eu" more than once | write each account once',
    ),
    (
        spring("include = []"),
        "folders.spring.include: is empty, and takes no file | leave it out to take all images",
    ),
    (
        spring('include = [""]'),
        (
            "folders.spring.include: holds an empty pattern"
            ' | write a pattern such as "*.jpg", or nothing'
        ),
    ),
    (
        spring("deletions = true"),
        'folders.spring.deletions: is true | write one of "keep", "propagate"',
    ),
    (
        {"folders.may": 'path = "/srv/spring/may"\naccount = "main"'},
        (
            'folders.may.path: "/srv/spring/may" lies inside the folder "spring" ("/srv/spring")'
            f" | {ONE_TREE}"
        ),
    ),
    (
        {"folders.may": 'path = "//srv/./spring/"\naccount = "main"'},
        f'folders.may.path: "/srv/spring" is the folder "spring" ("/srv/spring") | {ONE_TREE}',
    ),
    # the rest
    (
        {"watch": 'settle = "2 weeks"'},
        f'watch.settle: is "2 weeks" | {DURATION} 0s to 1h',
    ),
    (
        {"watch": 'rescan = "8d"'},
        f'watch.rescan: is "8d", out of range | {DURATION} 1s to 7d',
    ),
    (
        {"watch": 'rescan = "999ms"'},
        f'watch.rescan: is "999ms", out of range | {DURATION} 1s to 7d',
    ),
    (
        {"pack": "images = 51"},
        "pack.images: is 51 | write a number from 1 to 50, without quotes",
    ),
    (
        {"pack": f"images = 0x{'f' * 9000}"},
        f"pack.images: is {HUGE} | write a number from 1 to 50, without quotes",
    ),
    (
        {"log": f"format = 0x{'f' * 9000}"},
        f'log.format: is {HUGE} | write one of "auto", "console", "json", "journal", "logfmt"',
    ),
    ({"pack": 'bytes = "24 M"'}, f'pack.bytes: is "24 M" | {SIZE}'),
    ({"pack": 'bytes = "1KB"'}, f'pack.bytes: is "1KB", out of range | {SIZE}'),
    (
        {"log": 'level = "chatty"'},
        'log.level: is "chatty" | write one of "debug", "info", "notice", "warning", "error"',
    ),
    (
        {"log": "format = 5"},
        'log.format: is the number 5 | write one of "auto", "console", "json", "journal", "logfmt"',
    ),
    (
        {"log": "stats_every = 2026-01-01"},
        "log.stats_every: is a date or a time, and its unit is not known | "
        + DURATION
        + " 1s to 1d",
    ),
]


@pytest.mark.parametrize(("changes", "sentence"), MISTAKES, ids=[s[:40] for _, s in MISTAKES])
def test_a_mistake_gets_its_own_sentence_and_no_other(
    changes: dict[str, str | None], sentence: str
) -> None:
    assert problems(written(changes)) == [sentence]


def test_what_is_right_has_no_problem() -> None:
    assert problems(written({})) == []


def test_an_empty_file_is_told_what_to_write() -> None:
    assert [p.partition(" |")[0] for p in problems("")] == [
        "ledger.path: is missing",
        "accounts: there is no account",
        "folders: there is no folder",
    ]


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file() -> None:
    text = """
[graph]
timeout = "1y"
[accounts.main]
id = "x"
[folders.a]
path = "here"
account = "nobody"
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


def test_a_folder_with_another_mistake_is_still_seen_to_lie_in_another() -> None:
    keys = [p.key for p in found(written({"folders.may": 'path = "/srv/spring/may"'}))]
    assert keys == ["folders.may.account", "folders.may.path"]


def test_the_report_is_a_paragraph_a_problem() -> None:
    with pytest.raises(ConfigError) as caught:
        loads(written({"log": 'level = "loud"', "pack": "images = 0"}), PATH, {})
    assert str(caught.value) == (
        '/etc/syncd/config.toml:11: log.level: is "loud"\n'
        '    write one of "debug", "info", "notice", "warning", "error"\n'
        "\n"
        "/etc/syncd/config.toml:13: pack.images: is 0\n"
        "    write a number from 1 to 50, without quotes"
    )


def test_a_name_is_shown_on_one_line_whatever_is_in_it() -> None:
    with pytest.raises(ConfigError) as caught:
        loads(written({'"a\\nb\\u001b"': ""}), PATH, {})
    (problem,) = caught.value.problems
    assert problem.key == r'"a\nb\u001b"'


SYNTAX = [
    (
        "[graph]\nversion = v25.0",
        (
            "/etc/syncd/config.toml:2: column 11: Invalid value\n"
            '    a text stands in quotes, as in key = "text":\n'
            "    version = v25.0\n"
            "              ^"
        ),
    ),
    (
        "[log]\nlevel = 'info'\nlevel = 'debug'\n",
        (
            "/etc/syncd/config.toml:3: column 16: Cannot overwrite a value\n"
            "    a key is written once:\n"
            "    level = 'debug'\n"
            "                   ^"
        ),
    ),
    (
        "[log]\n[log]",
        (
            "/etc/syncd/config.toml:2: column 5: Cannot declare ('log',) twice\n"
            "    a table is written once, with all its keys below it:\n"
            "    [log]\n"
            "        ^"
        ),
    ),
    (
        "[log]\nx = [\n",
        (
            "/etc/syncd/config.toml:2: column 6: Invalid value\n"
            '    a text stands in quotes, as in key = "text":\n'
            "    x = [\n"
            "         ^"
        ),
    ),
]


@pytest.mark.parametrize(("text", "report"), SYNTAX)
def test_a_syntax_error_shows_the_line(text: str, report: str) -> None:
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
def test_no_report_repeats_a_secret(line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loads(line, PATH, {})
    for secret in (TOKEN, TOKEN[:14], "0a" * 16, PLAIN):
        assert secret not in str(caught.value)
        assert secret not in repr(caught.value)


TOML_VALUE = st.recursive(
    st.sampled_from(["1", "-1", "1.5", "nan", "true", '""', '"/a"', '"2s"', '"act_1"', '"main"'])
    | st.sampled_from(["1979-05-27", "07:32:00", "'\\'", '"\\u2028"', "", "x", "[", "{"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | inner.map(lambda value: f"{{ file = {value} }}")
    ),
    max_leaves=4,
)
SHAPES = (
    GraphConfig,
    LedgerConfig,
    AccountConfig,
    FolderConfig,
    WatchConfig,
    BatchConfig,
    DeletionsConfig,
    AuditConfig,
    LogConfig,
)
KEYS = st.sampled_from([field.name for shape in SHAPES for field in fields(shape)]) | (
    st.sampled_from(["hold_above", "share"])
)
TABLES = st.sampled_from(
    ["", "[graph]", "[ledger]", "[accounts]", "[accounts.main]", "[folders.a]", "[[log]]", "[pack]"]
) | st.sampled_from(["[deletions]", "[deletions.hold_above]", "[audit]"])
FILES = st.lists(
    st.tuples(TABLES, st.lists(st.tuples(KEYS, TOML_VALUE).map(" = ".join), max_size=4)),
    max_size=5,
).map(lambda tables: "\n".join("\n".join([head, *body]) for head, body in tables))


@given(FILES | st.text())
def test_whatever_the_file_says_there_is_a_configuration_or_a_report(text: str) -> None:
    assert all(problem.wrong and problem.write for problem in found(text))


def test_a_thousand_brackets_are_a_problem_too() -> None:
    (report,) = problems("x = " + "[" * 100_000)
    assert len(report) < 400
    assert len(problems("x = " + "1" * 5000)) == 1
