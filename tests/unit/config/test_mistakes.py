"""Mistakes outside [folders], and the sentence that reports each of them."""

import pytest
from support.config_text import GOOD, config_text, duration_fix, integer_fix, sentences

TOKEN = "EAABsbCS1iHgBAKZCZCkZD"
HUGE = "an integer of more than 64 bits"
SIZE = (
    'write a size such as "24MiB", from "64KiB" to "128MiB";'
    " the units are B, KB, MB, GB, KiB, MiB, GiB"
)
SOURCES = (
    'write { credential = "syncd.token" }, { file = "/etc/syncd/token" },'
    ' { env = "SYNCD_TOKEN" } or { command = ["pass", "show", "meta"] }, and put the secret there'
)
URL = 'write "https://graph.facebook.com", or "http://127.0.0.1:PORT" for a sandbox'
VERSION = 'write a version such as "v25.0"'
ID = 'write the account\'s number in quotes, with or without act_, such as "act_1234567890"'
NAMES = "write at most 64 letters, digits, _, - and ., beginning with a letter or digit"
FORMATS = 'write one of "auto", "console", "json", "journal", "logfmt"'


def graph(lines: str) -> dict[str, str | None]:
    return {"graph": f"{GOOD['graph']}\n{lines}"}


KEYS: list[tuple[dict[str, str | None], str]] = [
    (
        {"wach": 'settle = "2s"'},
        (
            "wach: is not a known key | did you mean watch? The known keys are"
            " graph, accounts, ledger, folders, watch, pack, deletions, audit, log, metrics,"
            " web, notify, ping, include"
        ),
    ),
    (
        {"log": "colour = true"},
        (
            "log.colour: is not a known key"
            " | remove it; the known keys in [log] are level, format, stats_every"
        ),
    ),
    (
        {"watch": None, "pack": None, "[log]": ""},
        "log: expected a table, got an array | write [log]",
    ),
]

GRAPH: list[tuple[dict[str, str | None], str]] = [
    (
        {"graph": f'token = "{TOKEN}"'},
        (
            "graph.token: this file must not contain the secret itself, because others may read it"
            f" | {SOURCES}"
        ),
    ),
    (
        {"graph": f'token = {{ env = "{TOKEN}" }}'},
        f"graph.token: env contains a secret, instead of its source | {SOURCES}",
    ),
    (
        {"graph": 'token = { env = "A", file = "/a" }'},
        f"graph.token: needs exactly one of the keys credential, file, env, command | {SOURCES}",
    ),
    (
        {"graph": f'token = {{ literal = "{TOKEN}" }}'},
        f"graph.token: needs exactly one of the keys credential, file, env, command | {SOURCES}",
    ),
    (
        {"graph": 'token = { command = "pass show meta" }'},
        f"graph.token: expected a list of strings for command, got a string | {SOURCES}",
    ),
    (
        {"graph": "token = { command = [] }"},
        f"graph.token: expected a list of strings for command, got an array | {SOURCES}",
    ),
    (
        {"graph": 'token = { command = [" "] }'},
        f"graph.token: the command has no program | {SOURCES}",
    ),
    (
        {"graph": f'token = {{ command = ["echo", "{TOKEN}"] }}'},
        f"graph.token: command contains a secret, instead of its source | {SOURCES}",
    ),
    (
        {"graph": "token = 5"},
        f"graph.token: expected a table, got the integer 5 | {SOURCES}",
    ),
    (
        {"graph": "token = { env = 5 }"},
        f"graph.token: expected a string for env, got the integer 5 | {SOURCES}",
    ),
    (
        {"graph": 'token = { env = "MY TOKEN" }'},
        f'graph.token: "MY TOKEN" is not the name of an environment variable | {SOURCES}',
    ),
    (
        {"graph": 'token = { credential = "../shadow" }'},
        f'graph.token: "../shadow" is not the name of a credential | {SOURCES}',
    ),
    (
        {"graph": 'token = { file = "../token" }'},
        ('graph.token: "../token" contains ".." | write a path, such as "/etc/syncd/token"'),
    ),
    (
        {"graph": ""},
        (
            'graph.token: is missing, and these accounts have no token either: "main"'
            ' | write token = { credential = "syncd.token" } under [graph] for all accounts,'
            " or under [accounts.NAME] for one"
        ),
    ),
    (
        graph('version = "25"'),
        f'graph.version: "25" is not a version of the Graph API | {VERSION}',
    ),
    (
        graph('base_url = "http://graph.facebook.com"'),
        (
            'graph.base_url: "http://graph.facebook.com" would send the token unencrypted over the'
            f" network | {URL}"
        ),
    ),
    (
        graph('base_url = "http://localhost.example"'),
        (
            'graph.base_url: "http://localhost.example" would send the token unencrypted over the'
            f" network | {URL}"
        ),
    ),
    (
        graph('base_url = "https://me:pw@graph.facebook.com"'),
        f"graph.base_url: contains a user name or a password | {URL}",
    ),
    (
        graph(f'base_url = "https://example.com/?access_token={TOKEN}"'),
        f"graph.base_url: contains a query or a fragment | {URL}",
    ),
    (
        graph('base_url = "ftp://127.0.0.1"'),
        f'graph.base_url: "ftp://127.0.0.1" is not an http or https URL | {URL}',
    ),
    (
        graph('base_url = "http://127.0.0.1:99999"'),
        f'graph.base_url: "http://127.0.0.1:99999" is not a URL | {URL}',
    ),
    (
        graph("timeout = 60"),
        (
            "graph.timeout: expected a string with a unit, got the integer 60"
            f" | {duration_fix('1s', '10m')}"
        ),
    ),
]

LEDGER: list[tuple[dict[str, str | None], str]] = [
    (
        {"ledger": None},
        'ledger.path: is missing | write path = "/var/lib/syncd/ledger.db" under [ledger]',
    ),
    (
        {"ledger": 'path = "/srv/spring/.syncd/ledger.db"'},
        (
            'ledger.path: "/srv/spring/.syncd/ledger.db" is inside the folder "spring"'
            ' | write a path outside all folders, such as "/var/lib/syncd/ledger.db"'
        ),
    ),
]

ACCOUNTS: list[tuple[dict[str, str | None], str]] = [
    (
        {"accounts.main": ""},
        'accounts.main.id: is missing | write id = "act_1234567890"',
    ),
    (
        {"accounts.main": "id = 1234567890"},
        f"accounts.main.id: expected a string, got the integer 1234567890 | {ID}",
    ),
    (
        {"accounts.main": 'id = "act_1١"'},
        f'accounts.main.id: "act_1١" is not an account id | {ID}',
    ),
    (
        {"accounts.eu": 'id = "1"'},
        (
            "accounts.eu.id: 1 is also the id of accounts.main | write another id,"
            ' or remove [accounts.eu] and name "main" in its folders'
        ),
    ),
    (
        {"accounts.main": 'id = "1"\nworkers = 65'},
        f"accounts.main.workers: 65 is out of range | {integer_fix(1, 64)}",
    ),
    (
        {"accounts.main": 'id = "1"\nworkers = "4"'},
        f"accounts.main.workers: expected an integer, got a string | {integer_fix(1, 64)}",
    ),
    (
        {"accounts.main": 'id = "1"\nworkers = true'},
        f"accounts.main.workers: expected an integer, got the boolean true | {integer_fix(1, 64)}",
    ),
    (
        {'accounts."-x"': 'id = "2"'},
        f"accounts.-x: is not a valid name for an account or a folder | {NAMES}",
    ),
]

OTHERS: list[tuple[dict[str, str | None], str]] = [
    (
        {"watch": 'settle = "2 weeks"'},
        f'watch.settle: "2 weeks" is not a duration | {duration_fix("0s", "1h")}',
    ),
    (
        {"watch": 'rescan = "8d"'},
        f'watch.rescan: "8d" is out of range | {duration_fix("1s", "7d")}',
    ),
    (
        {"watch": 'rescan = "999ms"'},
        f'watch.rescan: "999ms" is out of range | {duration_fix("1s", "7d")}',
    ),
    (
        {"pack": "images = 51"},
        f"pack.images: 51 is out of range | {integer_fix(1, 50)}",
    ),
    (
        {"pack": f"images = 0x{'f' * 9000}"},
        f"pack.images: {HUGE} is out of range | {integer_fix(1, 50)}",
    ),
    (
        {"log": f"format = 0x{'f' * 9000}"},
        f"log.format: expected a string, got {HUGE} | {FORMATS}",
    ),
    ({"pack": 'bytes = "24 M"'}, f'pack.bytes: "24 M" is not a size | {SIZE}'),
    ({"pack": 'bytes = "1KB"'}, f'pack.bytes: "1KB" is out of range | {SIZE}'),
    (
        {"log": 'level = "chatty"'},
        (
            'log.level: "chatty" is not a known value'
            ' | write one of "debug", "info", "notice", "warning", "error"'
        ),
    ),
    (
        {"log": "format = 5"},
        f"log.format: expected a string, got the integer 5 | {FORMATS}",
    ),
    (
        {"log": "stats_every = 2026-01-01"},
        (
            "log.stats_every: expected a string with a unit, got a date or a time"
            f" | {duration_fix('1s', '1d')}"
        ),
    ),
]

MISTAKES = [*KEYS, *GRAPH, *LEDGER, *ACCOUNTS, *OTHERS]


@pytest.mark.parametrize(("changes", "sentence"), MISTAKES, ids=[s[:40] for _, s in MISTAKES])
def test_a_mistake_is_reported_by_one_sentence(
    changes: dict[str, str | None], sentence: str
) -> None:
    assert sentences(config_text(changes)) == [sentence]


def test_a_correct_file_has_no_problem() -> None:
    assert sentences(config_text({})) == []


def test_an_empty_file_is_reported_with_the_tables_to_write() -> None:
    assert [sentence.partition(" |")[0] for sentence in sentences("")] == [
        "ledger.path: is missing",
        "accounts: no account is configured",
        "folders: no folder is configured",
    ]
