"""Altered pictures: whatever was changed, the verdict is quick, and no part passes as a whole."""

import io
import warnings
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.corpus import WHOLE
from support.corpus.by_pillow import HEIGHT, WIDTH
from support.fuzz import examples

from syncd.images.probe import Picture, Unsupported, Verdict, probe
from syncd.images.unfinished import REJECTED_AFTER

KEYS = sorted(WHOLE, key=str)
NUMBERS = [0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]


class _Counted(io.BytesIO):
    """A stream that fails after too many reads, and after one that is too large."""

    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        assert self.reads < 200 + len(self.getvalue())  # a reader in a circle needs more
        data = super().read(size)
        assert len(data) <= 4 * 2**20
        return data


def verdict_on(data: bytes) -> Verdict:
    return probe(_Counted(data), hole=False, unchanged=REJECTED_AFTER)


@st.composite
def altered(draw: st.DrawFn) -> bytes:
    """Return a picture with bytes that were replaced, inserted, removed, doubled or cut off."""
    data = bytearray(WHOLE[KEYS[draw(st.integers(0, len(KEYS) - 1))]])
    for _ in range(draw(st.integers(1, 6))):
        at = min(draw(st.integers(0, 300) | st.integers(0, len(data))), len(data))
        match draw(st.integers(0, 5)):
            case 0:
                data[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case 1:  # a length or an offset
                width = draw(st.sampled_from([2, 4]))
                order = draw(st.sampled_from(["little", "big"]))
                number = draw(st.sampled_from(NUMBERS)) % 256**width
                data[at : at + width] = number.to_bytes(width, order)
            case 2:
                data[at:at] = draw(st.binary(max_size=20))
            case 3:
                del data[at : at + draw(st.integers(1, 200))]
            case 4:
                data[at:at] = data[at : at + draw(st.integers(1, 400))]
            case _:
                del data[at:]
    return bytes(data)


@pytest.mark.fuzz
@given(altered())
@examples(1500)
def test_an_altered_picture_has_a_verdict_after_few_reads(data: bytes) -> None:
    verdict = verdict_on(data)
    assert isinstance(verdict, (Picture, Unsupported))
    if isinstance(verdict, Picture):
        assert verdict.width > 0
        assert verdict.height > 0


@cache
def shown(data: bytes) -> bytes | None:
    """Return the pixels of the first image that Pillow shows, or None if it shows none."""
    with warnings.catch_warnings(action="ignore"):  # about what follows the pixels
        try:
            with Image.open(io.BytesIO(data)) as image:
                return image.convert("RGBA").tobytes()
        except (OSError, SyntaxError, ValueError):
            return None


@pytest.mark.fuzz
@given(st.sampled_from([n for n, key in enumerate(KEYS) if shown(WHOLE[key])]), st.data())
@examples(1500)
def test_a_beginning_of_a_picture_passes_only_if_it_shows_the_same_pixels(
    number: int, data: st.DataObject
) -> None:
    whole = WHOLE[KEYS[number]]
    last = len(whole) - 1
    part = whole[: data.draw(st.integers(0, last) | st.integers(max(0, last - 40), last))]
    verdict = verdict_on(part)
    if isinstance(verdict, Picture):
        assert verdict == Picture(KEYS[number][0], WIDTH, HEIGHT)
        assert shown(part) == shown(whole)
