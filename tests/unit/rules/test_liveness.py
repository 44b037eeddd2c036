"""What is done about a part that stands still, of every way in which one can stand."""

from collections.abc import Callable
from itertools import product

import pytest

from syncd.rules.liveness import Action, PartState, watchdog_action

EVERY = [PartState(*facts) for facts in product((False, True), repeat=3)]

SENTENCES: dict[str, Callable[[PartState, Action], bool]] = {
    "what moves needs nothing": lambda p, c: p.stands or c is Action.NONE,
    "what stands still is told of": lambda p, c: not p.stands or c is not Action.NONE,
    "without the ledger nothing works": lambda p, c: (
        not (p.stands and p.vital) or c is Action.RESTART
    ),
    "what worked for long may work again": lambda p, c: (
        not (p.stands and p.proven) or c is Action.RESTART
    ),
    "a folder that the last start did not help stops nobody": lambda p, c: (
        p.vital or p.proven or c is not Action.RESTART
    ),
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_of_every_plight(sentence: str) -> None:
    holds = SENTENCES[sentence]
    assert [plight for plight in EVERY if not holds(plight, watchdog_action(plight))] == []


def test_every_care_is_taken() -> None:
    assert {watchdog_action(plight) for plight in EVERY} == set(Action)
