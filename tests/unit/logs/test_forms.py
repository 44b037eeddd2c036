"""The text forms of a record: each is one line of printable characters."""

import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.logfmt import read_logfmt

from syncd.logs.forms import Form, coloured, console_form, json_form, logfmt_form, uncoloured
from syncd.logs.record import Record, record_of
from syncd.logs.value import plain
from syncd.model import printable

NOW = datetime(2026, 11, 21, 22, 4, 5, 678_900, tzinfo=UTC)


def written(form: Form, event: str, **fields: object) -> str:
    return form(record_of("info", {"event": event, **fields}, NOW))


def test_json_is_one_object_with_the_time_in_utc() -> None:
    line = written(json_form, "account.paused", account="main", code=80004, until=None)
    assert line == (
        '{"timestamp": "2026-11-21T22:04:05.678Z", "level": "info", "event": "account.paused",'
        ' "account": "main", "code": 80004, "until": null}'
    )


def test_logfmt_quotes_a_value_with_spaces_or_quotes() -> None:
    line = written(logfmt_form, "account.paused", reason='too "many" calls', empty="", ok=True)
    assert line == (
        "timestamp=2026-11-21T22:04:05.678Z level=info event=account.paused"
        r' reason="too \"many\" calls" empty="" ok=true'
    )


def test_the_console_form_leaves_out_empty_fields() -> None:
    line = written(console_form(uncoloured), "e", a=None, b={}, c=[], d=0, e="", f=False)
    assert line.endswith(' d=0 e="" f=false')
    assert " a=null b={} c=" in written(logfmt_form, "e", a=None, b={}, c=[])


def test_the_console_form_aligns_its_fields() -> None:
    form = console_form(uncoloured)
    clock = NOW.astimezone().strftime("%H:%M:%S")
    assert written(form, "stats", held=12) == f"{clock} info  stats                held=12"
    assert written(form, "account.paused", account="main", seconds=3.14159) == (
        f"{clock} info  account.paused       account=main seconds=3.142"
    )
    assert written(form, "service.stopped") == f"{clock} info  service.stopped"


def test_the_coloured_form_differs_only_in_colours() -> None:
    record = record_of("warning", {"event": "account.paused", "account": "main", "n": 3}, NOW)
    with_colours = console_form(coloured)(record)
    assert "\x1b[30;43mwarn\x1b[0m" in with_colours
    assert re.sub(r"\x1b\[[0-9;]*m", "", with_colours) == console_form(uncoloured)(record)


def test_logfmt_separates_the_members_of_a_list_by_commas() -> None:
    assert read_logfmt(written(logfmt_form, "e", accounts=["main", "eu"], n=[1, 2.5, True])) == {
        "timestamp": "2026-11-21T22:04:05.678Z",
        "level": "info",
        "event": "e",
        "accounts": "main,eu",
        "n": "1,2.5,true",
    }


def test_a_field_cannot_replace_the_records_own_fields() -> None:
    assert written(json_form, "e", level="fine", timestamp=0).endswith(
        '"event": "e", "level_": "fine", "timestamp_": 0}'
    )


def test_a_record_shows_its_own_time_in_utc() -> None:
    at = datetime.fromisoformat("2026-11-22T00:04:05+02:00")
    assert Record(at, "info", "e", {}).timestamp == "2026-11-21T22:04:05.000Z"


TEXTS = st.text(st.characters() | st.sampled_from('\n\r\x1b\x85\u2028\u202e"=\\ \udcff\0'))
ANYTHING = st.recursive(
    TEXTS | st.binary() | st.integers() | st.floats() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.dictionaries(TEXTS, ANYTHING, max_size=4)


@given(event=TEXTS, fields=FIELDS)
@example(event="x", fields={"path": b"a\nlevel=error event=forged"})
@pytest.mark.fuzz
def test_every_form_of_an_event_is_one_line_of_printable_characters(
    event: str, fields: dict[str, object]
) -> None:
    record = record_of("info", {**fields, "event": event}, NOW)
    for form in (json_form, logfmt_form, console_form(uncoloured)):
        line = form(record)
        assert line.isprintable()
        assert line.splitlines() == [line]
        line.encode("utf-8")


@given(name=st.binary())
def test_a_file_name_is_shown_as_in_other_output(name: bytes) -> None:
    shown = printable(name)
    assert json.loads(written(json_form, "e", path=name))["path"] == shown
    assert read_logfmt(written(logfmt_form, "e", path=name))["path"] == shown


@given(event=TEXTS, value=TEXTS)
@pytest.mark.fuzz
def test_a_text_is_read_back_unchanged_unless_it_has_surrogates(event: str, value: str) -> None:
    text = plain(value)
    assert json.loads(written(json_form, event, value=value))["value"] == text
    pairs = read_logfmt(written(logfmt_form, event, value=value))
    assert (pairs["value"], pairs["event"]) == (text, plain(event))
    if not re.search("[\ud800-\udfff]", value):
        assert text == value
