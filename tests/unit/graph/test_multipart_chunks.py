"""A body cut into chunks for writing: the same bytes, few chunks, large pieces never copied."""

from hypothesis import given
from hypothesis import strategies as st

from syncd.graph.multipart import Body

KIB = 1024
SIZE = 256 * KIB


@given(st.lists(st.integers(0, 700 * KIB), max_size=12))
def test_chunks_are_the_body_and_none_is_too_long(lengths: list[int]) -> None:
    pieces = tuple(bytes([n % 256]) * length for n, length in enumerate(lengths))
    chunks = list(Body("", pieces).chunks(SIZE))
    assert b"".join(chunks) == b"".join(pieces)
    assert all(0 < len(chunk) <= SIZE for chunk in chunks if lengths and any(lengths))


def test_small_images_share_a_chunk() -> None:
    pieces = (b"head", b"x" * 20 * KIB, b"\r\n") * 50
    chunks = list(Body("", pieces).chunks(SIZE))
    assert len(chunks) == 5


def test_a_large_image_is_not_copied() -> None:
    image = bytes(1000 * KIB)
    chunks = list(Body("", (b"head", image, b"tail")).chunks(SIZE))
    views = [chunk for chunk in chunks if isinstance(chunk, memoryview)]
    assert all(view.obj is image for view in views)
    assert sum(map(len, views)) > 900 * KIB
