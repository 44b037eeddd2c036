"""Every combination of evidence against sentences that must hold for all of them."""

from collections.abc import Callable
from itertools import product

import pytest
from msgspec.structs import fields, replace

from syncd.model import HoldAbove
from syncd.rules.evidence import Conclusion, Evidence, RootMatch, is_too_many, trust_scan

FACTS = [field.name for field in fields(Evidence) if field.name != "root"]
EVERY = [
    Evidence(root=root, **dict(zip(FACTS, values, strict=True)))
    for root in RootMatch
    for values in product((False, True), repeat=len(FACTS))
]

SENTENCES: dict[str, Callable[[Evidence, Conclusion], bool]] = {
    "a missing root proves nothing": lambda e, c: (
        e.root is not RootMatch.MISSING or c is Conclusion.NONE
    ),
    "a root that was swapped or removed during the scan proves nothing": lambda e, c: (
        e.root_stable or c is Conclusion.NONE
    ),
    "a scan with an error proves nothing": lambda e, c: e.error_free or c is Conclusion.NONE,
    "an emptied folder proves nothing": lambda e, c: e.has_files or c is Conclusion.NONE,
    "a different root proves nothing": lambda e, c: (
        e.root is not RootMatch.DIFFERENT or c is Conclusion.NONE
    ),
    "a copy condemns nothing": lambda e, c: (
        e.root is not RootMatch.COPY or c is not Conclusion.CONDEMN
    ),
    "a folder that was never trusted condemns nothing": lambda e, c: (
        e.root is not RootMatch.FIRST or c is not Conclusion.CONDEMN
    ),
    "a changed pattern condemns nothing": lambda e, c: (
        e.same_patterns or c is not Conclusion.CONDEMN
    ),
    "a folder that does not propagate deletions condemns nothing": lambda e, c: (
        e.propagates or c is not Conclusion.CONDEMN
    ),
    "in a suspect folder only a full scan proves anything": lambda e, c: (
        e.trusted or e.full or c is Conclusion.NONE
    ),
    "a suspect folder condemns nothing": lambda e, c: e.trusted or c is not Conclusion.CONDEMN,
    "a partial scan proves something only in the same root": lambda e, c: (
        e.full or e.root is RootMatch.SAME or c is Conclusion.NONE
    ),
    "a full scan of the same root without any oddity condemns": lambda e, c: (
        not (
            e.root is RootMatch.SAME
            and all((e.root_stable, e.error_free, e.has_files, e.full, e.trusted))
            and all((e.same_patterns, e.propagates))
        )
        or c is Conclusion.CONDEMN
    ),
    "files missing from a folder that the operator accepted are only forgotten": lambda e, c: (
        not (
            e.root is RootMatch.FIRST and e.root_stable and e.error_free and e.has_files and e.full
        )
        or c is Conclusion.FORGET
    ),
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_combination_of_evidence_obeys(sentence: str) -> None:
    holds = SENTENCES[sentence]
    assert [seen for seen in EVERY if not holds(seen, trust_scan(seen))] == []


def test_every_conclusion_is_reached() -> None:
    assert {trust_scan(seen) for seen in EVERY} == set(Conclusion)


def test_one_odd_fact_is_enough_to_condemn_nothing() -> None:
    good = Evidence(
        root=RootMatch.SAME,
        root_stable=True,
        error_free=True,
        has_files=True,
        full=True,
        trusted=True,
        same_patterns=True,
        propagates=True,
    )
    assert trust_scan(good) is Conclusion.CONDEMN
    for odd in (
        "root_stable",
        "error_free",
        "has_files",
        "trusted",
        "same_patterns",
        "propagates",
    ):
        assert trust_scan(replace(good, **{odd: False})) is not Conclusion.CONDEMN, odd
    for root in set(RootMatch) - {RootMatch.SAME}:
        assert trust_scan(replace(good, root=root)) is not Conclusion.CONDEMN, root


@pytest.mark.parametrize(
    ("missing", "known", "held"),
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
def test_more_than_the_larger_of_both_limits_needs_approval(
    missing: int, known: int, held: bool
) -> None:
    assert is_too_many(missing, known, HoldAbove(20, 0.1)) is held


def test_a_limit_of_zero_holds_the_first_deletion() -> None:
    assert is_too_many(1, 1_000_000, HoldAbove(0, 0.0))
    assert not is_too_many(10, 10, HoldAbove(0, 1.0))
