"""Every view that can be, against sentences that must hold of all of them."""

from collections.abc import Callable
from itertools import product

import pytest
from msgspec.structs import fields

from syncd.rules.steps import Step, View, next_step

VIEWS = [View(*facts) for facts in product((False, True), repeat=len(fields(View)))]

SENTENCES: dict[str, Callable[[View, Step], bool]] = {
    "what is held is never sent again": lambda v, s: not v.held or s is Step.REST,
    "a rejected image is not asked again": lambda v, s: not v.rejected or s is Step.REST,
    "nothing unwanted is sent": lambda v, s: v.wanted or s is Step.REST,
    "nothing is sent into a shut gate": lambda v, s: v.open or s is not Step.UPLOAD,
    "what waits is missing, and waits for the gate alone": lambda v, s: (
        s is not Step.WAIT or (v.wanted and not v.held and not v.rejected and not v.open)
    ),
    "what is missing rests never": lambda v, s: (
        s is not Step.REST or not v.wanted or v.held or v.rejected
    ),
    "what is missing and may go is sent": lambda v, s: (
        (s is Step.UPLOAD) == (v.wanted and v.open and not v.held and not v.rejected)
    ),
}


@pytest.mark.parametrize("sentence", SENTENCES)
@pytest.mark.parametrize("view", VIEWS, ids=str)
def test_of_every_view(view: View, sentence: str) -> None:
    assert SENTENCES[sentence](view, next_step(view))


def test_the_facts_are_yes_or_no_so_that_they_can_all_be_tried() -> None:
    assert {field.type for field in fields(View)} == {bool}
    assert len(set(VIEWS)) == 2 ** len(fields(View))


def test_every_step_is_reached() -> None:
    assert {next_step(view) for view in VIEWS} == set(Step)
