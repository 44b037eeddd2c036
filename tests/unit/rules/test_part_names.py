"""The names of images in their POST."""

import os
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syncd.rules.batch import LONGEST_NAME, part_names

EXTENSIONS = [".jpg", ".png", ".gif", ".bmp", ".tiff"]

stems = st.sampled_from(["a", "A", "ß", "SS", "é", "e\u0301", "x" * 99, "x" * 100, "x" * 300, ""])
made = st.tuples(stems, st.sampled_from([*EXTENSIONS, "", ".", ".JPG", " .jpg"])).map("".join)
file_names = st.binary(min_size=1, max_size=255) | made.map(str.encode).filter(bool)
files = st.lists(st.tuples(file_names, st.sampled_from(EXTENSIONS)), max_size=30)


def compared(name: str) -> str:
    """Return a name as a server compares it that composes characters and ignores case."""
    return unicodedata.normalize("NFC", name).casefold()


@given(files)
@example([(b".", ".jpg"), (b"..", ".jpg"), (b"...", ".jpg")])
@example([(b" .jpg", ".png"), (b"   ", ".png"), (b".jpg", ".jpg")])
@example([("é.jpg".encode(), ".jpg"), ("e\u0301.jpg".encode(), ".jpg")])
@example([(b"\xff.jpg", ".jpg"), (b"\xfe.jpg", ".jpg")])
@example([(b"a (2).jpg", ".jpg"), (b"a.jpg", ".jpg"), (b"A.jpg", ".jpg")])
def test_names_are_unique_short_plain_and_have_an_extension(
    given_files: list[tuple[bytes, str]],
) -> None:
    names = part_names(given_files)
    assert len(names) == len(given_files)
    assert len({compared(name) for name in names}) == len(names)
    for name in names:
        assert 0 < len(name) <= LONGEST_NAME
        stem, extension = os.path.splitext(name)
        assert stem.strip(" .")
        assert len(extension) > 1
        assert name == name.strip()
        assert not set(name) & set('/\\"\r\n\x00\x7f')
        name.encode()  # no lone surrogates


@given(st.text(st.characters(categories=["L"]), min_size=1, max_size=250))
def test_a_long_name_is_shortened_and_keeps_its_extension(stem: str) -> None:
    (name,) = part_names([(f"{stem}.jpeg".encode(), ".png")])
    assert name.endswith(".jpeg")
    assert name[:-5] == stem[: LONGEST_NAME - 5]


@pytest.mark.parametrize(
    ("file_name", "name"),
    [
        (b"plain.jpg", "plain.jpg"),
        (b"UPPER.JPG", "UPPER.JPG"),
        ("Frühling 絵.png".encode(), "Frühling 絵.png"),
        (b"a.b.c.jpg", "a.b.c.jpg"),
        (b"none", "none.jpg"),
        (b"dot.", "dot..jpg"),
        (b".jpg", ".jpg.jpg"),
        (b" .jpg", ".jpg.jpg"),
        (b"v1.photograph", "v1.photograph.jpg"),
        (b"photo.JFIF", "photo.JFIF.jpg"),
        (b'qu"ote.jpg', "qu_ote.jpg"),
        (b"new\nline.jpg", "new_line.jpg"),
        (b"back\\slash.jpg", "back_slash.jpg"),
        (b"\xff.jpg", "\ufffd.jpg"),
        (b"..", "_.jpg"),
        (b"   ", "_.jpg"),
    ],
)
def test_an_image_has_the_name_of_its_file(file_name: bytes, name: str) -> None:
    assert part_names([(file_name, ".jpg")]) == [name]


def test_names_that_differ_only_after_the_hundredth_character_stay_distinct() -> None:
    long = b"x" * 120
    first, second = part_names([(long + b"1.jpg", ".jpg"), (long + b"2.jpg", ".jpg")])
    assert first == "x" * 96 + ".jpg"
    assert second == "x" * 92 + " (2).jpg"


def test_names_are_in_the_order_of_the_files() -> None:
    assert part_names([(b"b.jpg", ".jpg"), (b"a.jpg", ".jpg"), (b"B.JPG", ".jpg")]) == [
        "b.jpg", "a.jpg", "B (2).JPG",
    ]  # fmt: skip
