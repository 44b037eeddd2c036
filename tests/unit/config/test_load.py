"""Configurations without mistakes, and the values that they yield."""

import os
from pathlib import Path

import pytest

from syncd.config import (
    AccountConfig,
    Config,
    Credential,
    LogFormat,
    LogLevel,
    SecretFile,
    Variable,
)
from syncd.config.load import loads
from syncd.config.toml_text import line_of, lines_of_keys
from syncd.model import AccountId, AccountName, Deletions, FolderName

MAIN, EU = AccountName("main"), AccountName("eu")
SPRING = FolderName("spring")

LEAST = """
[graph]
token = { env = "SYNCD_TOKEN" }
[accounts.main]
id = "act_1"
[folders.spring]
path = "/srv/spring"
account = "main"
"""


def read(text: str, **environ: str) -> Config:
    return loads(text, Path("/etc/syncd/config.toml"), environ)


def test_the_shortest_file_gets_every_default() -> None:
    config = read(LEAST, STATE_DIRECTORY="/var/lib/syncd")
    assert config.path == Path("/etc/syncd/config.toml")
    assert config.warnings == ()
    assert config.graph.version == "v25.0"
    assert config.graph.base_url == "https://graph.facebook.com"
    assert config.graph.timeout == 60
    assert config.accounts == {MAIN: AccountConfig(name=MAIN, id=AccountId("1"))}
    folder = config.folders[SPRING]
    assert (folder.path, folder.account, folder.mirrors) == (b"/srv/spring", "main", ())
    assert folder.include[:5] == ("*.jpg", "*.jpeg", "*.jpe", "*.jfif", "*.jif")
    assert folder.include[5:] == ("*.png", "*.gif", "*.bmp", "*.dib", "*.tif", "*.tiff")
    assert (folder.exclude, folder.deletions) == ((), Deletions.KEEP)
    assert (config.watch.settle, config.watch.rescan) == (2, 900)
    assert (config.pack.images, config.pack.bytes) == (25, 24 * 1024 * 1024)
    assert (config.log.level, config.log.format) == (LogLevel.INFO, LogFormat.AUTO)
    assert config.log.stats_every == 60


def test_the_ledger_is_in_the_first_state_directory_unless_a_path_is_written() -> None:
    assert read(LEAST, STATE_DIRECTORY="/var/lib/a:/var/lib/b").ledger.path == Path(
        "/var/lib/a/ledger.db"
    )
    named = LEAST + '[ledger]\npath = "/data/l.db"'
    assert read(named, STATE_DIRECTORY="/var/lib/a").ledger.path == Path("/data/l.db")


def test_an_account_prefers_its_own_secrets_to_those_of_graph() -> None:
    config = read(
        """
        ledger.path = "/l.db"
        [graph]
        token = { credential = "syncd.token" }
        app_secret = { file = "/etc/syncd/app" }
        [accounts.main]
        id = "1"
        [accounts.eu]
        id = "act_2"
        token = { env = "EU_TOKEN" }
        app_secret = { env = "EU_SECRET" }
        [folders.spring]
        path = "/srv/spring"
        account = "eu"
        mirrors = ["main"]
        """
    )
    main, eu = config.accounts[MAIN], config.accounts[EU]
    assert config.token_of(main) == Credential("syncd.token")
    assert config.app_secret_of(main) == SecretFile("/etc/syncd/app")
    assert config.token_of(eu) == Variable("EU_TOKEN")
    assert config.app_secret_of(eu) == Variable("EU_SECRET")
    assert config.routes(config.folders[SPRING]) == ("2", "1")
    assert config.account_by_id(AccountId("2")) is eu
    assert config.account_by_id(AccountId("3")) is None


def test_accounts_with_their_own_tokens_need_none_under_graph() -> None:
    text = LEAST.replace("[graph]\n", "").replace("token = { env", "")
    text = text.replace(' = "SYNCD_TOKEN" }', "").replace(
        'id = "act_1"', 'id = "act_1"\ntoken = { env = "T" }'
    )
    config = read(text, STATE_DIRECTORY="/s")
    assert config.token_of(config.accounts[MAIN]) == Variable("T")


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("0s", 0), ("500ms", 0.5), ("1.5s", 1.5), ("2 s", 2), ("15m", 900), ("1h", 3600)],
)
def test_a_duration_is_a_number_and_a_unit(written: str, seconds: float) -> None:
    config = read(LEAST + f'[watch]\nsettle = "{written}"', STATE_DIRECTORY="/s")
    assert config.watch.settle == seconds


@pytest.mark.parametrize(
    ("written", "size"),
    [("64KiB", 65536), ("300KB", 300_000), ("1.5MiB", 1572864), ("70000B", 70000), ("1MB", 10**6)],
)
def test_a_size_is_a_number_and_a_unit(written: str, size: int) -> None:
    assert read(LEAST + f'[pack]\nbytes = "{written}"', STATE_DIRECTORY="/s").pack.bytes == size


@pytest.mark.parametrize(
    ("written", "base_url"),
    [
        ("https://graph.facebook.com/", "https://graph.facebook.com"),
        ("https://proxy.example:8443/graph//", "https://proxy.example:8443/graph"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://localhost:1", "http://localhost:1"),
    ],
)
def test_a_base_url_is_https_or_of_this_machine(written: str, base_url: str) -> None:
    text = LEAST.replace("[graph]", f'[graph]\nbase_url = "{written}"')
    assert read(text, STATE_DIRECTORY="/s").graph.base_url == base_url


def test_a_path_is_normalised_bytes_and_can_contain_any_character() -> None:
    text = LEAST.replace("/srv/spring", "//srv/./Frühling\\n/")
    assert read(text, STATE_DIRECTORY="/s").folders[SPRING].path == os.fsencode("/srv/Frühling\n")


def test_sibling_folders_can_have_names_with_the_same_beginning() -> None:
    text = LEAST + '[folders.spring2]\npath = "/srv/spring2"\naccount = "main"'
    assert len(read(text, STATE_DIRECTORY="/srv/spring-ledger").folders) == 2


def test_the_line_of_a_missing_key_is_that_of_the_table_around_it() -> None:
    lines = lines_of_keys(
        'top.a = 1\n\n[folders."x.y"] # c\n  path = "/"\n[[many]]\n[accounts]\nmain.id = "1"\n'
    )
    assert line_of(("top", "a"), lines) == 1
    assert line_of(("folders", "x.y", "path"), lines) == 4
    assert line_of(("folders", "x.y", "account"), lines) == 3
    assert line_of(("many",), lines) == 5
    assert line_of(("accounts", "main"), lines) == 7
    assert line_of(("accounts", "main", "token"), lines) == 7
    assert line_of(("ledger", "path"), lines) is None
