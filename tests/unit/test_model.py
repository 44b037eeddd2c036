"""`printable`: one line of text that no terminal acts on, for names and texts alike."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syncd.model import printable

HOSTILE = {
    "\x1b[2J": r"\x1b[2J",  # clears the screen
    "a\r\nb": r"a\x0d\x0ab",
    "\t\x00\x7f": r"\x09\x00\x7f",
    "\x9b2J": r"\xc2\x9b2J",  # CSI as one character
    "gpj\u202e.exe": r"gpj\xe2\x80\xae.exe",  # right to left
    "\u2028": r"\xe2\x80\xa8",  # a line separator
    "\udcff": r"\xff",  # a byte that is not UTF-8
}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_character_that_is_not_printable_is_escaped(text: str) -> None:
    assert printable(text) == HOSTILE[text]


@pytest.mark.parametrize("text", ["", "a b", "Grün.jpg", "絵😀", "640×480", "C:\\x"])
def test_a_printable_text_is_unchanged(text: str) -> None:
    assert printable(text) == text


@given(st.text(st.characters(codec=None)))
@example("\udc7f\ud800\udcff\udfff")
def test_every_text_becomes_printable_once_and_for_all(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert printable(shown) == shown


@given(st.binary())
def test_a_name_is_shown_as_the_text_that_python_makes_of_it(name: bytes) -> None:
    assert printable(name) == printable(name.decode("utf-8", "surrogateescape"))
