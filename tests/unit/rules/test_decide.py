"""Every view that can be, against sentences that must hold of all of them."""

from collections.abc import Callable
from itertools import product

import pytest
from msgspec.structs import fields

from syncd.rules.decide import Step, View, next_step

VIEWS = [View(*facts) for facts in product((False, True), repeat=len(fields(View)))]


def missing(view: View) -> bool:
    return view.wanted and not view.held and not view.rejected


def surplus(view: View) -> bool:
    return view.held and view.due and not view.wanted and not view.needed


SENTENCES: dict[str, Callable[[View, Step], bool]] = {
    "nothing wanted is ever deleted": lambda v, s: not (v.wanted and s is Step.DELETE),
    "what another image needs is never deleted": lambda v, s: not (v.needed and s is Step.DELETE),
    "what nobody has condemned is never deleted": lambda v, s: v.due or s is not Step.DELETE,
    "what is used or somebody else's is never deleted": lambda v, s: (
        not (v.guarded and s is Step.DELETE)
    ),
    "nothing is deleted before the account was asked": lambda v, s: v.asked or s is not Step.DELETE,
    "nobody is asked twice": lambda v, s: not v.asked or s is not Step.ASK,
    "what is not held is not deleted": lambda v, s: v.held or s not in (Step.ASK, Step.DELETE),
    "what is held is never sent again": lambda v, s: not v.held or s is not Step.BRING,
    "a rejected image is not asked again": lambda v, s: not v.rejected or s is not Step.BRING,
    "nothing unwanted is sent": lambda v, s: v.wanted or s is not Step.BRING,
    "nothing goes to an account that is not open": lambda v, s: (
        v.open or s in (Step.REST, Step.WAIT)
    ),
    "what waits has something to do, and waits for the gate alone": lambda v, s: (
        s is not Step.WAIT or (not v.open and (missing(v) or surplus(v)))
    ),
    "what is missing never rests": lambda v, s: not missing(v) or s in (Step.BRING, Step.WAIT),
    "what is missing and may go is brought": lambda v, s: (
        (s is Step.BRING) == (missing(v) and v.open)
    ),
    "what is surplus and unguarded goes in the end": lambda v, s: (
        (s is Step.DELETE) == (surplus(v) and v.open and v.asked and not v.guarded)
    ),
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_of_every_view(sentence: str) -> None:
    holds = SENTENCES[sentence]
    assert [view for view in VIEWS if not holds(view, next_step(view))] == []


def test_the_facts_are_yes_or_no_so_that_they_can_all_be_tried() -> None:
    assert {field.type for field in fields(View)} == {bool}
    assert len(set(VIEWS)) == 2 ** len(fields(View))


def test_every_step_is_reached() -> None:
    assert {next_step(view) for view in VIEWS} == set(Step)
