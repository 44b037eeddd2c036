"""The verdicts about a corpus of files: whole pictures pass, broken ones are named as such."""

import io

import PIL
import pytest
from PIL import Image
from support.corpus import BROKEN, WHOLE
from support.corpus.by_pillow import HEIGHT, WIDTH

from syncd.images.probe import Format, Picture, Unsupported, Verdict, probe

NOT_BY_PILLOW = {  # other decoders show them
    "a wrong checksum of a text",
    "header of 16,",
    "header of 24,",
    "RLE24",
    "order >, big True",
    "size_type 1,",
    "size_type 17,",
    "within the transfer function",
}
if int(PIL.__version__.partition(".")[0]) < 13:
    NOT_BY_PILLOW |= {"RLE4", "with a jump", "with jumps"}


def verdict_on(data: bytes) -> Verdict:
    """Return the verdict about a file that has just been written."""
    return probe(io.BytesIO(data), hole=False, unchanged=0.0)


def test_the_corpus_has_200_different_pictures() -> None:
    assert len({*WHOLE.values()}) >= 200
    assert len({*BROKEN.values()}) >= 80


@pytest.mark.parametrize(("kind", "name"), WHOLE, ids=str)
def test_a_whole_picture_passes(kind: Format, name: str) -> None:
    assert verdict_on(WHOLE[kind, name]) == Picture(kind, WIDTH, HEIGHT)


@pytest.mark.parametrize(
    ("kind", "name"),
    [key for key in WHOLE if not any(part in key[1] for part in NOT_BY_PILLOW)],
    ids=str,
)
def test_pillow_shows_a_whole_picture(kind: Format, name: str) -> None:
    with Image.open(io.BytesIO(WHOLE[kind, name])) as image:
        image.load()


@pytest.mark.parametrize(("reason", "name"), BROKEN, ids=str)
def test_a_broken_file_is_rejected_for_the_right_reason(reason: str, name: str) -> None:
    verdict = verdict_on(BROKEN[reason, name])
    assert isinstance(verdict, Unsupported)
    assert verdict.reason.startswith(reason)
