"""The explanation of every error, which has to agree with what the engine decides."""

import pytest

from syncd.rules.backoff import pause_length
from syncd.rules.errors import TABLE, ApiError, Row, Verdict, judge, row_of
from syncd.rules.explanation import every_explanation, example, explained, parsed, suggestions
from syncd.rules.forecast import duration
from syncd.rules.listing import LARGEST_PAGE, page_error
from syncd.rules.rejection import time_to_confirm

IN_PAGES = [100, 190, 200, 368, 415, 613, 2635, 80004]
"""The codes of the reference pages of the edge."""

IN_FACTS = [
    *("1", "1/99", "2", "3", "4", "5", "10", "17", "17/2446079", "100", "100/33", "102"),
    *("100/1487411", "100/1487242", "100/2490361", "100/1487197", "190", "274", "341", "368"),
    *(f"190/{subcode}" for subcode in (*range(458, 468), 492, 493)),
    *(str(code) for code in (*range(200, 300), 415, 803, 2500, 2635, 2642, *range(80000, 80015))),
    *("368/1404078", "368/2859015", "10/1404078", "613", "613/1487742", "613/5044001"),
    *("80004/2446079", "HTTP 413", "HTTP 500"),
]


def _of(text: str) -> ApiError:
    error = parsed(text)
    assert error is not None, text
    return error


@pytest.mark.parametrize("text", [*map(str, IN_PAGES), *IN_FACTS])
def test_every_documented_error_has_a_row(text: str) -> None:
    found = explained(_of(text))
    assert found.is_known
    assert found.error == text


@pytest.mark.parametrize("code", IN_PAGES)
def test_a_code_of_the_reference_pages_has_a_row_of_its_own(code: int) -> None:
    assert row_of(ApiError(status=400, code=code)).codes == (code,)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.meaning)
def test_no_row_is_hidden_by_the_rows_before_it(row: Row) -> None:
    assert row_of(example(row)) is row


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.meaning)
def test_an_explanation_has_the_verdict_that_the_engine_follows(row: Row) -> None:
    error = example(row)
    found, verdict = explained(error), judge(error)
    assert (found.kind, found.scope) == (verdict.value, verdict.scope.name.lower())
    assert found.meaning == row.meaning
    assert found.remedy


def test_the_list_has_each_row_once_and_unknown_errors_last() -> None:
    listed = every_explanation()
    assert len({one.error for one in listed}) == len(listed) == len(TABLE)
    assert [one.error for one in listed if not one.is_known] == [listed[-1].error]


@pytest.mark.parametrize("verdict", [v for v in Verdict if v.is_pause])
def test_a_pause_is_explained_with_the_lengths_that_it_has(verdict: Verdict) -> None:
    block = {} if verdict in (Verdict.PAUSE_ABUSE, Verdict.PAUSE_BLOCKED) else {"block": 60.0}
    row = next(row for row in TABLE if row.verdict is verdict)
    action = explained(example(row)).action
    for consecutive in (1, 99):
        assert duration(pause_length(verdict, None, consecutive, 0.0, **block)) in action


def test_an_image_that_is_tried_again_is_explained_with_the_time_until_then() -> None:
    for text, verdict in (("100/1487197", Verdict.REJECT_TWICE), ("HTTP 413", Verdict.TOO_LARGE)):
        wait = duration(time_to_confirm(verdict, None, 0.0))
        assert f"if it meets the error again {wait} later" in explained(_of(text)).action


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.meaning)
def test_an_error_about_a_page_of_a_list_is_explained_for_lists(row: Row) -> None:
    error = example(row)
    has_page = page_error(error, LARGEST_PAGE) is not None
    assert has_page == (" list" in explained(error).action)


@pytest.mark.parametrize(
    ("text", "code", "subcode"),
    [
        ("190/463", 190, 463),
        ("190 463", 190, 463),
        ("80004", 80004, None),
        ("(#80004)", 80004, None),
        ("(#100/33)", 100, 33),
        ("#17", 17, None),
        (" 613 / 1487742 ", 613, 1487742),
    ],
)
def test_a_code_is_read_in_each_form_that_logs_and_messages_have(
    text: str, code: int, subcode: int | None
) -> None:
    error = _of(text)
    assert (error.code, error.subcode) == (code, subcode)


@pytest.mark.parametrize("text", ["", "abc", "190/", "190/463/2", "-1", "1.5", "HTTP", "9" * 10])
def test_a_text_that_is_not_a_code_is_not_read(text: str) -> None:
    assert parsed(text) is None


def test_the_number_of_a_subcode_suggests_its_codes() -> None:
    assert suggestions(463) == ["190/463"]
    assert suggestions(1404078) == []
    assert suggestions(None) == []
