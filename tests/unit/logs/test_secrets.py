"""Secrets: no form of a record contains one."""

from dataclasses import dataclass
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from syncd.config import Secret
from syncd.logs.forms import Form, coloured, console_form, json_form, logfmt_form, uncoloured
from syncd.logs.record import record_of
from syncd.logs.secrets import hide
from syncd.logs.value import plain

NOW = datetime(2026, 11, 21, 22, 4, 5, 678_900, tzinfo=UTC)
FORMS = [json_form, logfmt_form, console_form(uncoloured), console_form(coloured)]
TEXTS = st.text(st.characters() | st.sampled_from('\n\r\x1b\x85\u2028\u202e"=\\ \udcff\0'))
SECRETS = st.text("EAB0123|%*", min_size=4, max_size=20).map("EAAB".__add__)


@dataclass(frozen=True)
class Opaque:
    name: str


@given(
    secrets=st.lists(SECRETS, min_size=1, max_size=3),
    before=TEXTS,
    after=TEXTS,
    form=st.sampled_from(FORMS),
)
def test_no_form_of_a_record_contains_a_secret(
    secrets: list[str], before: str, after: str, form: Form
) -> None:
    for text in secrets:
        hide(Secret(text))
    secret = secrets[0]
    around = f"{before}{secret}{after}"
    error = ValueError(around)
    fields = {
        "text": around,
        "path": around.encode("utf-8", "surrogatepass"),
        "error": error,
        "exc_info": error,
        "nested": {around: [around, {secret: (secret,)}]},
        "other": Opaque(secret),
        f"name {secret}": 1,
    }
    line = form(record_of("info", {"event": f"event {around}", **fields}, NOW))
    assert secret not in line
    assert line.count("***") >= 8


def test_a_percent_encoded_secret_is_hidden() -> None:
    hide(Secret("123456|abc/def"))
    assert plain("https://x/?access_token=123456%7Cabc%2Fdef&a=b") == (
        "https://x/?access_token=***&a=b"
    )


def test_a_secret_that_begins_with_another_is_hidden_whole() -> None:
    hide(Secret("EAABtoken"))
    hide(Secret("EAABtoken-of-eu"))
    assert plain("EAABtoken-of-eu EAABtoken") == "*** ***"


def test_a_secret_that_forms_around_a_replacement_is_hidden() -> None:
    hide(Secret("**tokens"))
    assert plain("**tokenstokens") == "****"


def test_a_short_word_is_not_hidden() -> None:
    hide(Secret("main"))
    hide(Secret(""))
    assert plain("account main") == "account main"
