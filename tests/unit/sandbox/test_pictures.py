"""The sandbox's inspection of images: formats, broken files, hashes."""

import hashlib
import struct

import pytest
from support.pictures import picture

from syncd.sandbox.errors import CallError, label
from syncd.sandbox.pictures import examine
from syncd.sandbox.switches import Switches

KINDS = ["JPEG", "PNG", "GIF", "BMP", "TIFF"]


def error_of(content: bytes, switches: Switches | None = None) -> str:
    with pytest.raises(CallError) as caught:
        examine(content, switches or Switches())
    return label(caught.value.api_error)


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_is_accepted_with_its_size(kind: str) -> None:
    made = examine(picture(1, kind, width=60, height=20), Switches())
    assert (made.width, made.height) == (60, 20)


@pytest.mark.parametrize("kind", KINDS)
def test_a_hash_looks_like_an_md5_and_is_not_one_of_the_bytes(kind: str) -> None:
    content = picture(1, kind)
    made = examine(content, Switches())
    assert len(made.hash) == 32
    assert int(made.hash, 16) >= 0
    assert made.hash != hashlib.md5(content).hexdigest()
    assert made.hash == examine(content, Switches()).hash
    assert made.hash != examine(picture(2, kind), Switches()).hash
    assert made.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP"])
def test_a_truncated_file_cannot_be_processed(kind: str) -> None:
    content = picture(1, kind)
    assert error_of(content[: len(content) // 2]) == "100/1487197"
    assert error_of(content[:16]) == "100/1487197"


@pytest.mark.parametrize("content", [b"", b"hello", b"RIFF....WEBPVP8 ", b"%PDF-1.7", b"\0" * 99])
def test_a_file_that_is_not_an_image_has_an_invalid_type(content: bytes) -> None:
    assert error_of(content) == "100/1487411"


def test_an_image_over_the_limit_is_invalid() -> None:
    assert error_of(picture(1), Switches(max_image_bytes=100)) == "100/2490361"


def with_comment(jpeg: bytes, words: bytes) -> bytes:
    return jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(words) + 2) + words + jpeg[2:]


def test_two_files_of_one_picture_share_a_hash_only_with_the_switch() -> None:
    jpeg = picture(1)
    other = with_comment(jpeg, b"taken in spring") + b"tail"
    shared = Switches(transcoding="same_picture")
    assert examine(jpeg, Switches()).hash != examine(other, Switches()).hash
    assert examine(jpeg, shared).hash == examine(other, shared).hash
    assert examine(jpeg, shared).sha256 != examine(other, shared).sha256
    assert examine(jpeg, shared).hash != examine(picture(2), shared).hash


def test_bytes_after_the_end_of_a_png_do_not_change_its_picture() -> None:
    shared = Switches(transcoding="same_picture")
    png = picture(1, "PNG")
    assert examine(png, shared).hash == examine(png + b"tail", shared).hash
    assert examine(png, shared).hash != examine(picture(2, "PNG"), shared).hash
