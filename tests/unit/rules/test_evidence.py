"""Every evidence that a scan can bring, against sentences that must hold of all of them."""

from collections.abc import Callable
from itertools import product

import pytest
from msgspec.structs import fields, replace

from syncd.model import HoldAbove
from syncd.rules.evidence import Belief, Evidence, Root, is_too_many, trust_scan

FACTS = len(fields(Evidence)) - 1
EVERY = [Evidence(root, *facts) for root in Root for facts in product((False, True), repeat=FACTS)]

SENTENCES: dict[str, Callable[[Evidence, Belief], bool]] = {
    "a missing root proves nothing": lambda e, b: e.root is not Root.MISSING or b is Belief.NOTHING,
    "a root that was swapped or removed during the scan proves nothing": lambda e, b: (
        e.still or b is Belief.NOTHING
    ),
    "a scan that met an error proves nothing": lambda e, b: e.unbroken or b is Belief.NOTHING,
    "an emptied folder proves nothing": lambda e, b: e.shows_files or b is Belief.NOTHING,
    "another root condemns nothing": lambda e, b: (
        e.root is not Root.ANOTHER or b is not Belief.CONDEMN
    ),
    "another root that lacks more than a few files proves nothing": lambda e, b: (
        e.root is not Root.ANOTHER or e.nearly_all or b is Belief.NOTHING
    ),
    "a folder that was never believed condemns nothing": lambda e, b: (
        e.root is not Root.FIRST or b is not Belief.CONDEMN
    ),
    "a changed pattern condemns nothing": lambda e, b: e.same_patterns or b is not Belief.CONDEMN,
    "what keeps its images condemns nothing": lambda e, b: e.propagates or b is not Belief.CONDEMN,
    "in a folder in doubt, only a whole scan proves anything": lambda e, b: (
        e.undoubted or e.whole or b is Belief.NOTHING
    ),
    "what lay on a disk that is gone is not believed to be deleted": lambda e, b: (
        e.in_place or b is not Belief.CONDEMN
    ),
    "what came in a time of doubt condemns nothing": lambda e, b: (
        e.undoubted or b is not Belief.CONDEMN
    ),
    "of a place that an event named, only the same root is believed": lambda e, b: (
        e.whole or e.root is Root.SAME or b is Belief.NOTHING
    ),
    "in the same root, a whole clean scan is believed": lambda e, b: (
        not (
            e.root is Root.SAME
            and all((e.still, e.unbroken, e.shows_files, e.whole, e.undoubted))
            and all((e.same_patterns, e.in_place, e.propagates))
        )
        or b is Belief.CONDEMN
    ),
    "what a person accepted is forgotten, and no more": lambda e, b: (
        not (e.root is Root.FIRST and e.still and e.unbroken and e.shows_files and e.whole)
        or b is Belief.FORGET
    ),
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_of_all_evidence(sentence: str) -> None:
    holds = SENTENCES[sentence]
    assert [seen for seen in EVERY if not holds(seen, trust_scan(seen))] == []


def test_every_belief_is_reached() -> None:
    assert {trust_scan(seen) for seen in EVERY} == set(Belief)


def test_one_odd_fact_is_enough_to_condemn_nothing() -> None:
    good = Evidence(
        Root.SAME,
        still=True,
        unbroken=True,
        shows_files=True,
        nearly_all=True,
        whole=True,
        undoubted=True,
        same_patterns=True,
        in_place=True,
        propagates=True,
    )
    assert trust_scan(good) is Belief.CONDEMN
    for odd in (
        "still",
        "unbroken",
        "shows_files",
        "undoubted",
        "same_patterns",
        "in_place",
        "propagates",
    ):
        spoilt = replace(good, **{odd: False})
        assert trust_scan(spoilt) is not Belief.CONDEMN, odd
    for root in set(Root) - {Root.SAME}:
        assert trust_scan(replace(good, root=root)) is not Belief.CONDEMN, root


@pytest.mark.parametrize(
    ("gone", "known", "held"),
    [
        (0, 0, False),
        (1, 1, False),
        (20, 20, False),
        (21, 21, True),
        (21, 209, True),
        (21, 210, False),
        (21, 211, False),
        (100, 1000, False),
        (101, 1000, True),
        (1000, 1_000_000, False),
    ],
)
def test_more_than_the_larger_of_both_waits_for_a_person(gone: int, known: int, held: bool) -> None:
    assert is_too_many(gone, known, HoldAbove(20, 0.1)) is held


def test_with_nothing_allowed_the_first_one_waits_for_a_person() -> None:
    assert is_too_many(1, 1_000_000, HoldAbove(0, 0.0))
    assert not is_too_many(10, 10, HoldAbove(0, 1.0))
