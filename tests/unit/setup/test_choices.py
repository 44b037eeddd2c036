"""Which accounts a typed text means, and which names are proposed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.config.values import check_name
from syncd.graph.access import AdAccount
from syncd.model import AccountId
from syncd.setup.choices import chosen, is_choice, matching, proposed
from syncd.setup.written import FormError


def account(number: str, name: str | None, business: str | None = None) -> AdAccount:
    return AdAccount(id=AccountId(number), name=name, business=business, status=1, currency=None)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("1", [1]), ("1,3-5", [1, 3, 4, 5]), ("3, 1", [3, 1]), ("2-2", [2]), ("1-3,2", [1, 2, 3]),
     ("all", [2, 4])],
)  # fmt: skip
def test_a_choice_names_each_number_once(text: str, numbers: list[int]) -> None:
    assert is_choice(text)
    assert chosen(text, [2, 4], 5) == numbers


@pytest.mark.parametrize("text", ["0", "6", "4-6", "3-1", "1,", "-2", "1-2-3", ",", "9999999999"])
def test_a_number_outside_the_list_is_refused(text: str) -> None:
    assert is_choice(text)
    with pytest.raises(FormError, match="write numbers from 1 to 5"):
        chosen(text, [1, 2, 3, 4, 5], 5)


@pytest.mark.parametrize("text", ["acme", "act_12", "2nd brand"])
def test_other_texts_search_in_ids_names_and_businesses(text: str) -> None:
    assert not is_choice(text)
    accounts = [account("12", "ACME"), account("3", "2nd Brand"), account("4", None, "Acme Ltd")]
    found = {"acme": [1, 3], "act_12": [1], "2nd brand": [2]}
    assert matching(accounts, text) == found[text]


@pytest.mark.parametrize(
    ("title", "taken", "name"),
    [("ACME – Spring Sale", (), "acme-spring-sale"), ("Café Ümlaut", (), "cafe-umlaut"),
     ("東京", (), "account"), (None, ("account",), "account-2"), ("a", ("a", "a-2"), "a-3")],
)  # fmt: skip
def test_a_name_is_proposed_from_the_title(
    title: str | None, taken: tuple[str, ...], name: str
) -> None:
    assert proposed(title, taken, "account") == name


@given(st.lists(st.text(max_size=80), max_size=8))
def test_each_proposed_name_is_valid_and_new(titles: list[str]) -> None:
    taken: list[str] = []
    for title in titles:
        name = proposed(title, taken, "account")
        check_name(name)
        assert name not in taken
        taken.append(name)
