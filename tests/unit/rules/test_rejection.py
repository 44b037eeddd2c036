"""The consequence of an error that may be about the image, for every verdict."""

import itertools

import pytest

from syncd.rules.errors import Verdict
from syncd.rules.rejection import Fate, fate, time_to_confirm

NOW = 1e9
FATES = {  # as a file and as bytes, when its size cannot be the reason and when it can
    Verdict.REJECT: (Fate.REJECT, Fate.REJECT, Fate.REJECT, Fate.REJECT),
    Verdict.REJECT_UPLOAD: (Fate.AS_FIELD, Fate.REJECT, Fate.AS_FIELD, Fate.REJECT),
    Verdict.REJECT_TWICE: (Fate.AS_FIELD, Fate.CONFIRM, Fate.AS_FIELD, Fate.CONFIRM),
    Verdict.TOO_LARGE: (Fate.RETRY, Fate.RETRY, Fate.CONFIRM, Fate.CONFIRM),
}
RETRIED = (Fate.RETRY,) * 4


@pytest.mark.parametrize("verdict", Verdict)
def test_an_image_is_rejected_only_by_an_error_that_is_known_to_be_about_it(
    verdict: Verdict,
) -> None:
    found = tuple(
        fate(verdict, as_field=as_field, too_large=too_large)
        for too_large, as_field in itertools.product((False, True), repeat=2)
    )
    assert found == FATES.get(verdict, RETRIED)


@pytest.mark.parametrize(
    ("verdict", "wait"), [(Verdict.TOO_LARGE, 600.0), (Verdict.REJECT_TWICE, 3600.0)]
)
def test_an_error_is_confirmed_after_its_time(verdict: Verdict, wait: float) -> None:
    assert time_to_confirm(verdict, None, NOW) == wait
    assert time_to_confirm(verdict, NOW - 1, NOW) == wait - 1
    assert time_to_confirm(verdict, NOW - wait, NOW) == 0
    assert time_to_confirm(verdict, NOW - 10 * wait, NOW) == 0


def test_a_first_error_in_the_future_counts_as_none() -> None:
    assert time_to_confirm(Verdict.TOO_LARGE, NOW + 9, NOW) == 600.0
