"""The meaning of every documented error, and of unknown ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.graph.shapes import read_error
from syncd.rules.errors import ApiError, Scope, Verdict, judge, remedy

V = Verdict
Row = tuple[int | None, int | None, int | None, bool, Verdict]  # status, code, subcode, transient

ROWS: list[Row] = [
    # temporary
    (500, 1, None, False, V.RETRY),
    (400, 1, None, False, V.RETRY),
    (400, 1, 99, False, V.RETRY),
    (500, 1, 99, False, V.RETRY),
    (503, 2, None, True, V.RETRY),
    (400, 2, None, False, V.RETRY),
    (400, 100, None, True, V.RETRY),
    (400, 777, None, True, V.RETRY),
    (503, 777, 5, False, V.RETRY),
    (500, None, None, False, V.RETRY),
    (502, None, None, False, V.RETRY),
    (503, None, None, False, V.RETRY),
    (504, None, None, False, V.RETRY),
    (None, None, None, False, V.RETRY),
    (200, None, None, False, V.RETRY),  # truncated JSON
    (302, None, None, False, V.RETRY),  # the page of another server
    # an account is throttled, whatever the other fields are
    (400, 17, 2446079, False, V.PAUSE_ACCOUNT),
    (400, 17, None, False, V.PAUSE_ACCOUNT),
    (400, 17, None, True, V.PAUSE_ACCOUNT),
    (400, 613, 1487742, False, V.PAUSE_ACCOUNT),
    (400, 613, 5044001, False, V.PAUSE_ACCOUNT),
    (200, 613, 1487742, False, V.PAUSE_ACCOUNT),
    (500, 17, None, False, V.PAUSE_ACCOUNT),
    *[(400, code, 2446079, False, V.PAUSE_ACCOUNT) for code in range(80000, 80015)],
    (400, 80004, None, True, V.PAUSE_ACCOUNT),
    # the whole app is throttled
    (403, 4, None, True, V.PAUSE_TOKEN),
    (400, 4, None, False, V.PAUSE_TOKEN),
    (403, 4, 1349193, True, V.PAUSE_TOKEN),
    (400, 341, None, False, V.PAUSE_TOKEN),
    # abuse
    (400, 613, None, False, V.PAUSE_ABUSE),
    (400, 613, None, True, V.PAUSE_ABUSE),
    (400, 368, None, False, V.PAUSE_BLOCKED),
    (400, 368, 1404078, False, V.PAUSE_BLOCKED),
    (400, 368, 2859015, True, V.PAUSE_BLOCKED),
    (400, 1, 1404078, False, V.PAUSE_BLOCKED),
    (400, 10, 2859015, False, V.PAUSE_BLOCKED),
    # the token is not valid
    *[
        (400, 190, subcode, False, V.STOP_TOKEN)
        for subcode in (None, *range(458, 468), 492, 493, 12345)
    ],
    (401, 190, 463, False, V.STOP_TOKEN),
    (400, 102, None, False, V.STOP_TOKEN),
    (400, 415, None, False, V.STOP_TOKEN),
    # no permission
    (403, 3, None, False, V.STOP_ACCOUNT),
    (403, 10, None, False, V.STOP_ACCOUNT),
    *[(403, code, None, False, V.STOP_ACCOUNT) for code in (200, 201, 230, 272, 294, 299)],
    (400, 100, 33, False, V.STOP_ACCOUNT),
    (400, 803, None, False, V.STOP_ACCOUNT),
    *[(400, code, None, False, V.STOP_APP) for code in (5, 101, 104, 2500, 2635)],
    # the image is rejected
    (400, 100, 1487411, False, V.REJECT_UPLOAD),
    (400, 100, 1487197, False, V.REJECT_TWICE),
    (400, 100, 1487242, False, V.REJECT),
    (400, 100, 2490361, False, V.REJECT),
    (200, 100, 1487197, False, V.REJECT_TWICE),
    # … unless the server reports a temporary failure
    (400, 100, 1487411, True, V.RETRY),
    (400, 100, 1487197, True, V.RETRY),
    (400, 190, None, True, V.RETRY),
    (403, 200, None, True, V.RETRY),
    # too large
    (413, None, None, False, V.TOO_LARGE),
    # unknown
    (400, 100, None, False, V.UNKNOWN),
    (400, 100, 999999, False, V.UNKNOWN),
    (400, 300, None, False, V.UNKNOWN),
    (400, 80015, None, False, V.UNKNOWN),
    (400, 79999, None, False, V.UNKNOWN),
    (400, 0, None, False, V.UNKNOWN),
    (400, -1, None, False, V.UNKNOWN),
    (404, None, None, False, V.RETRY),
    (400, None, None, False, V.RETRY),
    (200, 777, None, False, V.UNKNOWN),
]


@pytest.mark.parametrize(("status", "code", "subcode", "transient", "verdict"), ROWS)
def test_an_error_has_the_verdict_of_its_row(
    status: int | None, code: int | None, subcode: int | None, transient: bool, verdict: Verdict
) -> None:
    assert (
        judge(ApiError(status=status, code=code, subcode=subcode, transient=transient)) is verdict
    )


def test_every_verdict_but_that_of_several_errors_has_an_error() -> None:
    assert {row[-1] for row in ROWS} == set(Verdict) - {V.STOP_CALL}


def test_each_verdict_stops_what_its_error_is_about() -> None:
    assert {verdict: verdict.scope for verdict in Verdict} == {
        V.RETRY: Scope.ACCOUNT,
        V.PAUSE_ACCOUNT: Scope.ACCOUNT,
        V.PAUSE_TOKEN: Scope.APP,
        V.PAUSE_ABUSE: Scope.ACCOUNT,
        V.PAUSE_BLOCKED: Scope.ACCOUNT,
        V.STOP_TOKEN: Scope.TOKEN,
        V.STOP_ACCOUNT: Scope.ACCOUNT,
        V.STOP_APP: Scope.APP,
        V.STOP_CALL: Scope.ACCOUNT,
        V.REJECT: Scope.IMAGE,
        V.REJECT_UPLOAD: Scope.IMAGE,
        V.REJECT_TWICE: Scope.IMAGE,
        V.TOO_LARGE: Scope.IMAGE,
        V.UNKNOWN: Scope.IMAGE,
    }


def test_every_stop_has_a_remedy() -> None:
    assert all(remedy(ApiError(code=1), v) for v in Verdict if v.name.startswith("STOP"))


codes = st.none() | st.integers(-5, 90000)
subcodes = st.none() | st.integers(0, 3000000)


@given(st.sampled_from([None, 200, 400, 403, 413, 500]), codes, subcodes, st.booleans(), st.text())
def test_the_message_never_decides(
    status: int | None, code: int | None, subcode: int | None, transient: bool, message: str
) -> None:
    error = ApiError(
        status=status, code=code, subcode=subcode, transient=transient, message=message
    )
    assert judge(error) is judge(
        ApiError(status=status, code=code, subcode=subcode, transient=transient)
    )


@given(codes, subcodes, st.booleans())
def test_an_unknown_code_never_stops_an_account(
    code: int | None, subcode: int | None, transient: bool
) -> None:
    if judge(ApiError(status=400, code=code, subcode=subcode, transient=transient)) in (
        V.STOP_ACCOUNT,
        V.STOP_TOKEN,
    ):
        assert code in {3, 10, 100, 102, 190, 415, 803, *range(200, 300)}


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (413, b"<html>413 Request Entity Too Large</html>", V.TOO_LARGE),
        (502, b"<!DOCTYPE html><html>Bad Gateway</html>", V.RETRY),
        (200, b"<!DOCTYPE html><html>Sorry</html>", V.RETRY),
        (200, b'{"images":{"a.jpg":{"hash":"d8fc', V.RETRY),
        (200, b'{"error":{"code":190,"message":"x"}}', V.STOP_TOKEN),
        (400, b'{"error":{"code":"17","error_subcode":"2446079"}}', V.PAUSE_ACCOUNT),
        (403, b'{"error":{"code":4,"is_transient":true}}', V.PAUSE_TOKEN),
        (400, b'{"error":{"code":613}}', V.PAUSE_ABUSE),
        (400, b'{"error":{"code":613,"error_subcode":null}}', V.PAUSE_ABUSE),
        (500, b"", V.RETRY),
        (400, b"", V.RETRY),
    ],
)
def test_a_response_has_the_verdict_of_its_error(
    status: int, body: bytes, verdict: Verdict
) -> None:
    assert judge(read_error(status, body)) is verdict


def test_an_error_is_printed_with_its_code() -> None:
    assert (
        str(ApiError(status=400, code=100, subcode=1487411, message="no image"))
        == "100/1487411: no image"
    )
    assert str(ApiError(status=400, code=4)) == "4"
    assert str(ApiError(status=502, message="Bad Gateway")) == "HTTP 502: Bad Gateway"
    assert str(ApiError()) == "no response"
