"""When a mirror's images are copied, and when they are uploaded."""

from itertools import product

import pytest

from syncd.model import Copying, Digest
from syncd.rules.batch import Candidate
from syncd.rules.copy import BYTES_PER_CALL, is_copied, plan_copy

MB = 10**6


@pytest.mark.parametrize(("images", "size"), [(1, 1), (25, 5 * MB), (2, 200 * MB)])
def test_the_setting_of_the_folder_decides(images: int, size: int) -> None:
    assert is_copied(Copying.COPY, images, size)
    assert not is_copied(Copying.UPLOAD, images, size)


@pytest.mark.parametrize(
    ("images", "size", "copied"),
    [
        (1, 1, True),  # a single arrival: one call either way, and no bytes
        (1, 30 * MB, True),
        (2, 400_000, False),  # one call for two
        (25, 5 * MB, False),
        (25, 24 * MB, False),
        (3, 24 * MB, True),  # two more calls, and 24 MB less
        (2, BYTES_PER_CALL, False),
        (2, BYTES_PER_CALL + 1, True),
    ],
)
def test_auto_takes_fewer_calls_unless_they_take_too_many_bytes(
    images: int, size: int, copied: bool
) -> None:
    assert is_copied(Copying.AUTO, images, size) is copied


BATCH = [Candidate(Digest(bytes([n]) * 32), 1, 25) for n in range(3)]
WAYS = (None, Copying.AUTO, Copying.COPY)


@pytest.mark.parametrize("ways", list(product(WAYS, repeat=3)))
@pytest.mark.parametrize("expected", list(product((False, True), repeat=3)))
def test_every_image_of_a_batch_has_one_place_in_the_plan(
    ways: tuple[Copying | None, ...], expected: tuple[bool, ...]
) -> None:
    digests = [candidate.digest for candidate in BATCH]
    copyable = {d: way for d, way in zip(digests, ways, strict=True) if way is not None}
    soon = {d for d, is_expected in zip(digests, expected, strict=True) if is_expected}
    plan = plan_copy(BATCH, copyable, soon)
    copied = () if plan.copy is None else (plan.copy,)
    assert sorted([*copied, *plan.upload, *plan.put_back, *plan.wait]) == digests
    assert set(plan.wait) == soon - set(copyable)
    assert not (copied and plan.upload)
    assert set(copied) <= set(copyable)
    assert all(copyable.get(digest) is not Copying.COPY for digest in plan.upload)
    rest = [digest for digest in digests if digest not in plan.wait]
    if rest and copyable.get(rest[0]) is Copying.COPY:
        assert plan.copy == rest[0]
    if not copyable:
        assert list(plan.upload) == rest
