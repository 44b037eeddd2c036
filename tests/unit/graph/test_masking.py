"""Secrets are masked in every form in which a response can contain them."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.graph.masking import masked

TOKEN = "EAABsbCS1iHgBO7ZA|9wZDZD"
APP_SECRET = "0123456789abcdef0123456789abcdef"


def percent(secret: str) -> str:
    return "".join(f"%{ord(c):02x}" for c in secret)


FORMS = {
    "plain": TOKEN,
    "quoted where needed": quote(TOKEN, safe=""),
    "quoted in lower case": quote(TOKEN, safe="").replace("%7C", "%7c"),
    "quoted in every character": percent(TOKEN),
    "quoted in upper case": percent(TOKEN).upper(),
    "quoted twice": quote(quote(TOKEN, safe=""), safe=""),
    "JSON escapes": "".join(f"\\u{ord(c):04x}" for c in TOKEN),
    "JSON escapes in upper case": "".join(f"\\u{ord(c):04X}" for c in TOKEN),
    "mixed": f"%45\\u0041{TOKEN[2:]}",
    "truncated": TOKEN[:15],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("around", ['{{"message":"token {} is bad"}}', "<p>{}</p>", "/x?t={}"])
def test_a_secret_is_masked_in_every_form(form: str, around: str) -> None:
    body = around.format(FORMS[form]).encode()
    assert masked(body, [APP_SECRET, TOKEN]).decode() == around.format("***")


@pytest.mark.parametrize("separator", [b"&", rb"\u0026"])
def test_the_parameter_after_a_secret_in_a_url_remains(separator: bytes) -> None:
    url = b"https://x/adimages?access_token=%b" + separator + b"after=c"
    assert masked(url % TOKEN.encode(), [TOKEN]) == url % b"***"


def test_every_secret_of_a_call_is_masked() -> None:
    assert masked(f"{TOKEN} {APP_SECRET}".encode(), [TOKEN, APP_SECRET]) == b"*** ***"


def test_a_secret_as_short_as_a_word_does_not_change_a_response() -> None:
    assert masked(b'{"images":{}}', ["images", ""]) == b'{"images":{}}'


@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=60),
    st.text(" <\"'", max_size=5),
)
def test_no_beginning_of_a_secret_remains(secret: str, after: str) -> None:
    assert secret[:12].encode() not in masked(f"a {secret}{after}".encode(), [secret])
