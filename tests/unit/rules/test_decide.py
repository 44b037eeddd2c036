"""The next step of a missing image, for every combination of facts."""

from collections.abc import Callable
from itertools import product

import pytest
from msgspec.structs import fields

from syncd.rules.decide import Missing, Step, next_step

NAMES = [field.name for field in fields(Missing)]
REPLICAS = [
    Missing(**dict(zip(NAMES, facts, strict=True)))
    for facts in product((False, True), repeat=len(NAMES))
]


def is_missing(replica: Missing) -> bool:
    return replica.wanted and not replica.held and not replica.rejected


SENTENCES: dict[str, Callable[[Missing, Step], bool]] = {
    "an image that is held is never sent again": lambda r, s: not r.held or s is not Step.SEND,
    "a rejected image is not sent again": lambda r, s: not r.rejected or s is not Step.SEND,
    "an unwanted image is not sent": lambda r, s: r.wanted or s is not Step.SEND,
    "nothing is sent to an account that is shut": lambda r, s: r.is_open or s is not Step.SEND,
    "an image waits only because its account is shut": lambda r, s: (
        s is not Step.WAIT or (not r.is_open and is_missing(r))
    ),
    "a missing image never rests": lambda r, s: not is_missing(r) or s in (Step.SEND, Step.WAIT),
    "a missing image is sent if its account is open": lambda r, s: (
        (s is Step.SEND) == (is_missing(r) and r.is_open)
    ),
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_combination_of_facts_obeys(sentence: str) -> None:
    holds = SENTENCES[sentence]
    assert [replica for replica in REPLICAS if not holds(replica, next_step(replica))] == []


def test_the_facts_are_booleans_without_defaults_and_all_are_enumerated() -> None:
    assert {field.type for field in fields(Missing)} == {bool}
    assert all(field.required for field in fields(Missing))
    assert len(set(REPLICAS)) == 2 ** len(NAMES)


def test_every_step_is_reached() -> None:
    assert {next_step(replica) for replica in REPLICAS} == set(Step)
