"""The watchdog's action for every state of a part."""

from collections.abc import Callable
from itertools import product

import pytest

from syncd.daemon.watchdog import Action, PartState, watchdog_action

EVERY = [PartState(*facts) for facts in product((False, True), repeat=3)]

SENTENCES: dict[str, Callable[[PartState, Action], bool]] = {
    "a part that makes progress needs nothing": lambda p, a: p.stalled or a is Action.NONE,
    "a stalled part is reported": lambda p, a: not p.stalled or a is not Action.NONE,
    "a stalled vital part causes a restart": lambda p, a: (
        not (p.stalled and p.vital) or a is Action.RESTART
    ),
    "a stalled part that worked before causes a restart": lambda p, a: (
        not (p.stalled and p.proven) or a is Action.RESTART
    ),
    "a part that the last start did not help causes no restart": lambda p, a: (
        p.vital or p.proven or a is not Action.RESTART
    ),
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_state_of_a_part_obeys(sentence: str) -> None:
    holds = SENTENCES[sentence]
    assert [part for part in EVERY if not holds(part, watchdog_action(part))] == []


def test_every_action_is_reached() -> None:
    assert {watchdog_action(part) for part in EVERY} == set(Action)
