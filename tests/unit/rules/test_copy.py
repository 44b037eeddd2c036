"""When a mirror's images are copied, and when their bytes are sent."""

import pytest

from syncd.model import Copying
from syncd.rules.copy import CALL_IN_BYTES, is_copied

MB = 10**6


@pytest.mark.parametrize(("images", "size"), [(1, 1), (25, 5 * MB), (2, 200 * MB)])
def test_a_folder_that_says_how_has_its_way(images: int, size: int) -> None:
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
        (3, 24 * MB, True),  # two calls more, and 24 MB less
        (2, CALL_IN_BYTES, False),
        (2, CALL_IN_BYTES + 1, True),
    ],
)
def test_by_itself_it_takes_fewer_calls_unless_that_takes_too_many_bytes(
    images: int, size: int, copied: bool
) -> None:
    assert is_copied(Copying.AUTO, images, size) is copied
