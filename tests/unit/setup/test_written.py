"""The text of a new configuration, and the forms of the options that it is made of."""

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.readme import ROOT

from syncd.config import Credential
from syncd.config.load import loads
from syncd.setup.places import places
from syncd.setup.written import (
    Draft,
    Folder,
    FormError,
    commented,
    read_accounts,
    read_folders,
    short,
)

EXAMPLE = (ROOT / "config.example.toml").read_text()
AS_IN_EXAMPLE = Draft(
    token=("credential", "syncd.token"),
    ledger="/var/lib/syncd/ledger.db",
    accounts={"main": "act_1234567890"},
    folders={"spring": Folder("/srv/creatives/spring", "main")},
)
FILE = Path("/etc/syncd/config.toml")
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True)
PARTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1)
PATHS = PARTS.filter(lambda part: part not in (".", ".."))


def test_the_values_of_the_example_give_the_example() -> None:
    assert commented(AS_IN_EXAMPLE, EXAMPLE, str(FILE)) == EXAMPLE


@given(
    accounts=st.lists(NAMES, min_size=1, max_size=4, unique=True),
    folders=st.dictionaries(NAMES, PATHS, min_size=1, max_size=4),
    url=st.sampled_from([None, "http://127.0.0.1:8765"]),
)
@example(["main"], {"line": "a\x85b", "quotes": "\"\\'\n\x7f"}, None)
def test_each_written_configuration_has_exactly_the_values_of_its_draft(
    accounts: list[str], folders: dict[str, str], url: str | None
) -> None:
    main, *mirrors = accounts
    draft = Draft(
        token=("credential", "syncd.token"),
        ledger="/var/lib/syncd/ledger.db",
        accounts={name: str(number) for number, name in enumerate(accounts, 1)},
        folders={
            name: Folder(f"/srv/{number}/{path}", main, tuple(mirrors))
            for number, (name, path) in enumerate(folders.items())
        },
        base_url=url,
    )
    for text in (commented(draft, EXAMPLE, str(FILE)), short(draft)):
        config = loads(text, FILE, {})
        assert {name: one.id for name, one in config.accounts.items()} == draft.accounts
        found = {
            name: Folder(os.fsdecode(one.path), one.account, tuple(one.mirrors))
            for name, one in config.folders.items()
        }
        assert found == draft.folders
        assert config.graph.token == Credential("syncd.token")
        assert config.graph.base_url == (url or "https://graph.facebook.com")


@pytest.mark.parametrize("word", ["main", "main=", "=act_1", ""])
def test_an_account_without_a_name_or_an_id_is_refused_with_the_right_form(word: str) -> None:
    with pytest.raises(FormError, match="write NAME=ID, such as main=act_1234567890"):
        read_accounts([word])


@pytest.mark.parametrize(
    "word", ["spring", "spring=", "spring=/srv", "=/srv:main", "spring=:main", "spring=/srv:",
             "spring=/srv:main,", "spring=/srv:,eu"],
)  # fmt: skip
def test_a_folder_that_is_not_complete_is_refused_with_the_right_form(word: str) -> None:
    with pytest.raises(FormError, match="write NAME=PATH:ACCOUNT"):
        read_folders([word])


def test_a_path_can_contain_colons_and_equals_signs() -> None:
    assert read_folders(["s=/a:b=c:main,eu"]) == {"s": Folder("/a:b=c", "main", ("eu",))}


def test_a_name_is_given_once() -> None:
    with pytest.raises(FormError, match='"main" is given twice'):
        read_accounts(["main=1", "main=2"])
    with pytest.raises(FormError, match='"s" is given twice'):
        read_folders(["s=/a:main", "s=/b:main"])


@pytest.mark.parametrize(
    ("config", "has_units", "token", "ledger", "units"),
    [
        ("/etc/syncd/config.toml", True, "/etc/credstore/syncd.token",
         "/var/lib/syncd/ledger.db", ("syncd",)),
        ("/etc/syncd/eu.toml", True, "/etc/credstore/syncd.eu.token",
         "/var/lib/syncd/eu/ledger.db", ("syncd@eu", "syncd.target")),
        ("/etc/syncd/config.toml", False, "/etc/syncd/token", "/var/lib/syncd/ledger.db", ()),
        ("/etc/syncd/eu.toml", False, "/etc/syncd/eu.token", "/var/lib/syncd/eu/ledger.db", ()),
        ("/home/anna/config.toml", True, "/home/anna/token", "/home/anna/ledger.db", ()),
        ("/home/anna/eu.toml", True, "/home/anna/eu.token", "/home/anna/eu.ledger.db", ()),
    ],
)  # fmt: skip
def test_the_token_and_the_ledger_are_where_the_units_expect_them(
    config: str, has_units: bool, token: str, ledger: str, units: tuple[str, ...]
) -> None:
    found = places(Path(config), has_units=has_units)
    assert (str(found.token), str(found.ledger), found.units) == (token, ledger, units)
    is_credential = token.startswith("/etc/credstore")
    assert found.source == (("credential", "syncd.token") if is_credential else ("file", token))
