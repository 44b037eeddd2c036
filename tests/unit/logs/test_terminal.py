"""The form on a terminal: shortened and wrapped, and without statistics that have not changed."""

import re
from datetime import UTC, datetime
from unicodedata import east_asian_width

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syncd.logs.forms import coloured, console_form, uncoloured
from syncd.logs.record import record_of
from syncd.logs.terminal import terminal_form

NOW = datetime(2026, 11, 21, 22, 4, 5, 678_900, tzinfo=UTC)
CLOCK = NOW.astimezone().strftime("%H:%M:%S")
SHA256 = "8c0a5c1bb0e5a4b1f7c5b3a2d1e0f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def shown(columns: int, event: str, level: str = "info", **fields: object) -> str:
    record = record_of(level, {"event": event, **fields}, NOW)
    return terminal_form(uncoloured, lambda: columns)(record)


def test_a_long_record_continues_below_its_first_field() -> None:
    why = "190/463: the session has expired"
    text = shown(80, "account.stopped", "error", account="main", why=why, remedy="replace it")
    assert text == (
        f'{CLOCK} error account.stopped      account=main why="190/463: the session has\n'
        '                                    expired" remedy="replace it"'
    ).replace("'", '"')


def test_a_long_record_continues_below_its_event_on_a_narrow_terminal() -> None:
    text = shown(60, "image.held", account="main", file="/srv/spring/a.jpg", hash=SHA256[:32])
    assert text == (
        f"{CLOCK} info  image.held           account=main\n"
        "               file=/srv/spring/a.jpg hash=8c0a5c1bb0e5…"
    )


def test_a_word_that_does_not_fit_the_first_line_begins_the_next_one() -> None:
    assert shown(60, "file.rejected", file="/srv/spring/poster-1080.jpg") == (
        f"{CLOCK} info  file.rejected        \n               file=/srv/spring/poster-1080.jpg"
    )


def test_a_traceback_is_shown_line_by_line() -> None:
    trace = 'Traceback:\n  File "a.py", line 1\nValueError: \x1b[2J'
    text = shown(80, "daemon.crashed", "critical", why="a bug", traceback=trace)
    assert text.split("\n") == [
        f'{CLOCK} fatal daemon.crashed       why="a bug"',
        "               Traceback:",
        '                 File "a.py", line 1',
        "               ValueError: \\x1b[2J",
    ]


def test_a_digest_is_shortened_and_a_long_path_loses_its_middle() -> None:
    path = "/srv/creatives/clients/example/spring/campaign/final/poster.jpg"
    text = shown(80, "image.held", file=path, sha256=SHA256)
    assert f"sha256={SHA256[:12]}…" in text
    found = re.search(r"file=(\S+)", text)
    assert found is not None
    first, _, last = found[1].partition("…")
    assert path.startswith(first)
    assert path.endswith(last)
    assert last.endswith("/poster.jpg")
    assert first.startswith("/srv")


def test_a_digest_within_a_remedy_is_whole_so_that_it_can_be_copied() -> None:
    text = shown(200, "e", remedy=f"run `syncd find {SHA256}`")
    assert SHA256 in text


def test_nothing_is_shortened_or_wrapped_where_the_width_is_unknown() -> None:
    record = record_of("info", {"event": "e", "file": "/x" * 90, "sha256": SHA256}, NOW)
    whole = console_form(uncoloured)(record)
    assert terminal_form(uncoloured, lambda: 0)(record) == whole


def test_statistics_are_shown_only_when_a_state_changes() -> None:
    form = terminal_form(uncoloured, lambda: 120)

    def logged(**fields: object) -> bool:
        return form(record_of("info", {"event": "stats", **fields}, NOW)) != ""

    assert not logged(account="main", held=1, budget_used=5.0), "the first ones are no change"
    assert not logged(account="main", held=1, budget_used=4.0, oldest_waiting=3)
    assert not logged(account="eu", held=2), "another account has statistics of its own"
    assert logged(account="main", held=2)
    assert logged(account="main", held=2, state="paused")


def test_other_records_are_shown_each_time() -> None:
    form = terminal_form(uncoloured, lambda: 120)
    record = record_of("info", {"event": "audit.done", "account": "main"}, NOW)
    assert form(record) == form(record) != ""


TEXTS = st.text(st.characters() | st.sampled_from('\n\r\x1b\u2028"=\\ 画像\u0301'))


@given(event=TEXTS, fields=st.dictionaries(TEXTS, TEXTS, max_size=5), columns=st.integers(40, 200))
@example(event="e", fields={"why": "a\n10:00:00 error forged"}, columns=40)
@example(event="e", fields={"file": "/画像" * 90}, columns=60)
def test_no_text_can_begin_a_line_or_remove_a_character(
    event: str, fields: dict[str, str], columns: int
) -> None:
    record = record_of("info", {**fields, "event": event}, NOW)
    text = terminal_form(uncoloured, lambda: columns)(record)
    if not text:
        return
    first, *others = text.split("\n")
    assert first.startswith(CLOCK)
    for line in others:
        assert line.startswith(" " * 15)
        assert line.isprintable()
    whole = console_form(uncoloured)(record)
    assert "…" in text or "".join(text.split()) == "".join(whole.split())


@pytest.mark.parametrize("columns", [60, 80, 120])
@given(values=st.lists(st.text("abc 画", max_size=120), max_size=5))
def test_no_line_is_wider_than_the_terminal(columns: int, values: list[str]) -> None:
    text = shown(columns, "e", **{f"field{number}": value for number, value in enumerate(values)})
    for line in text.split("\n"):
        assert sum(2 if east_asian_width(char) == "W" else 1 for char in line) <= columns


@given(values=st.lists(st.text('abc ="画', max_size=90), max_size=5))
def test_colours_do_not_change_where_a_record_is_wrapped(values: list[str]) -> None:
    fields = {f"field{number}": value for number, value in enumerate(values)}
    record = record_of("notice", {"event": "e", **fields}, NOW)
    painted = terminal_form(coloured, lambda: 60)(record)
    assert COLOUR.sub("", painted) == terminal_form(uncoloured, lambda: 60)(record)
    assert painted.count("\x1b[2m") > len(fields)
