"""Which files are not finished, and for how long that is believed."""

import io
from itertools import product

import pytest
from support.corpus import BROKEN, WHOLE
from support.pictures import picture

from syncd.images.probe import Format, Picture, Unsupported, Verdict, probe
from syncd.images.unfinished import (
    BLACK_AFTER,
    REJECTED_AFTER,
    TAIL,
    Unfinished,
    is_unfinished,
    sentence,
)

HOUR, DAY = 3600.0, 86_400.0
KINDS = [*Format]
PACKED = [Format.JPEG, Format.PNG, Format.GIF]
PLAIN = [Format.BMP, Format.TIFF]


def verdict_on(data: bytes, *, hole: bool = False, unchanged: float = 0.0) -> Verdict:
    return probe(io.BytesIO(data), hole=hole, unchanged=unchanged)


def with_zeros(kind: Format, zeros: int = TAIL) -> bytes:
    """Return a picture whose last bytes are not written yet."""
    data = picture(1, kind.name, 100, 100)
    return data[:-zeros] + bytes(zeros)


def test_the_times_are_an_hour_and_a_day() -> None:
    assert (BLACK_AFTER, REJECTED_AFTER, TAIL) == (HOUR, DAY, 4096)


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_that_ends_with_zeros_is_unfinished(kind: Format) -> None:
    assert verdict_on(with_zeros(kind)) is Unfinished.ZEROS
    assert verdict_on(with_zeros(kind), unchanged=HOUR - 1) is Unfinished.ZEROS
    shorter = verdict_on(with_zeros(kind, TAIL - 1))
    assert shorter is not Unfinished.ZEROS


@pytest.mark.parametrize(("kind", "hole"), [*product(PACKED, (False, True))])
def test_it_is_rejected_after_a_day_without_a_change(kind: Format, hole: bool) -> None:
    data = picture(1, kind.name) if hole else with_zeros(kind)
    expected = Unfinished.HOLE if hole else Unfinished.ZEROS
    assert verdict_on(data, hole=hole, unchanged=DAY - 1) is expected
    reason = f"unfinished and unchanged for a day: {expected.reason}"
    assert verdict_on(data, hole=hole, unchanged=DAY) == Unsupported(reason)


@pytest.mark.parametrize(("kind", "hole"), [*product(PLAIN, (False, True))])
def test_zeros_in_a_format_without_compression_are_black_after_an_hour(
    kind: Format, hole: bool
) -> None:
    data = with_zeros(kind)
    whole = Picture(kind, 100, 100)
    assert isinstance(verdict_on(data, hole=hole, unchanged=HOUR - 1), Unfinished)
    assert verdict_on(data, hole=hole, unchanged=HOUR) == whole


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_with_a_hole_is_unfinished(kind: Format) -> None:
    assert verdict_on(picture(1, kind.name), hole=True) is Unfinished.HOLE


@pytest.mark.parametrize("size", [1, 100, TAIL, 100_000])
def test_a_file_of_zeros_is_unfinished(size: int) -> None:
    assert verdict_on(bytes(size)) is Unfinished.ZEROS
    assert verdict_on(bytes(size), hole=True) is Unfinished.HOLE
    assert isinstance(verdict_on(bytes(size), unchanged=DAY), Unsupported)


def test_an_empty_file_is_unfinished_until_the_next_day() -> None:
    assert verdict_on(b"", unchanged=DAY - 1) is Unfinished.EMPTY
    reason = "unfinished and unchanged for a day: the file is empty"
    assert verdict_on(b"", unchanged=DAY) == Unsupported(reason)


def test_a_file_that_is_damaged_otherwise_is_rejected_at_once() -> None:
    for data in BROKEN.values():
        assert isinstance(verdict_on(data), Unsupported)


def test_another_format_is_rejected_at_once_even_with_a_hole() -> None:
    for data in (b"%PDF-1.7", b"a text", b"PK\3\4"):
        assert isinstance(verdict_on(data + bytes(TAIL), hole=True), Unsupported)


def test_no_whole_picture_is_unfinished() -> None:
    for data in WHOLE.values():
        assert isinstance(verdict_on(data), Picture)


def test_a_code_has_a_sentence_and_an_error_is_one() -> None:
    assert {code.value for code in Unfinished} == {"empty", "hole", "zeros"}
    for code in Unfinished:
        assert is_unfinished(code.value)
        assert sentence(code.value) == f"not finished: {code.reason}"
    assert not is_unfinished("permission denied")
    assert sentence("permission denied") == "permission denied"
