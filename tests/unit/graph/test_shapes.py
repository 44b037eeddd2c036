"""Responses, errors and headers in observed and in imagined forms."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syncd.graph.shapes import (
    Node,
    Usage,
    is_error,
    read_error,
    read_images,
    read_invalid,
    read_node,
    read_usage,
)
from syncd.model import AccountId, Entry, ImageHash
from syncd.rules.pacing.budget import Tier
from syncd.rules.pacing.usage import BudgetUsage

HASH = ImageHash("d8fc613662fb5ff2d3d7e4a3a1a3b2c1")
ACCOUNT = AccountId("679927437761688")


def images(value: Any) -> dict[str, Entry] | None:
    return read_images(json.dumps({"images": value}).encode())


def entry(value: Any) -> Entry | None:
    entries = images({"a.jpg": value})
    assert entries is not None
    return entries.get("a.jpg")


def test_a_complete_response_is_read() -> None:
    got = entry(
        {
            "hash": HASH, "url": "https://u", "url_128": "https://u128", "url_256": "https://u256",
            "url_256_height": "192", "url_256_width": "256", "height": 480, "width": 640,
            "name": "a.jpg", "invented_tomorrow": {"x": [1]},
        }
    )  # fmt: skip
    assert got == Entry(
        hash=HASH,
        name="a.jpg",
        width=640,
        height=480,
    )


def test_a_response_of_2017_with_only_hash_and_url_is_read() -> None:
    assert entry({"hash": HASH, "url": "https://u"}) == Entry(hash=HASH)


def test_a_response_of_2013_is_keyed_by_the_hash() -> None:
    assert images({HASH: {"hash": HASH, "url": "https:\\/\\/u"}}) == {HASH: Entry(hash=HASH)}


@pytest.mark.parametrize(
    ("width", "read"),
    [
        (640, 640), ("640", 640), (640.0, 640), ("640.0", 640),
        (None, None), ("", None), ("wide", None), ("²", None), (-0.5, None), ([], None), ({}, None),
        (10**30, None), ("9" * 5000, None), (1e300, None), ("nan", None), ("inf", None),
    ],
)  # fmt: skip
def test_an_entry_is_read_whatever_the_form_of_its_width(width: Any, read: int | None) -> None:
    assert entry({"hash": HASH, "width": width}) == Entry(hash=HASH, width=read)


@pytest.mark.parametrize("key", ["name", "url", "url_128", "url_256"])
@pytest.mark.parametrize("value", [None, False, 7, [], {}])
def test_an_entry_is_read_whatever_the_form_of_its_strings(key: str, value: Any) -> None:
    assert entry({"hash": HASH, key: value}) == Entry(hash=HASH)


NOT_HASHES: list[Any] = ["", None, 7, [], "h" * 129, "a b", "é", "h\n", "\x1b[2J", "see https://x"]
ENTRIES: list[Any] = [{}, *({"hash": value} for value in NOT_HASHES), None, 7, "x", []]


@pytest.mark.parametrize("value", ENTRIES)
def test_an_entry_without_a_hash_is_left_out(value: Any) -> None:
    assert images({"a.jpg": value, "b.jpg": {"hash": HASH}}) == {"b.jpg": Entry(hash=HASH)}


@pytest.mark.parametrize("value", ["h", "h" * 128, "0-9_A-Z"])
def test_a_hash_has_1_to_128_letters_digits_and_dashes(value: str) -> None:
    assert entry({"hash": value}) == Entry(hash=ImageHash(value))


@pytest.mark.parametrize("body", [b"{}", b'{"data":[]}', b'{"success":true}', b'{"images":[]}'])
def test_a_response_without_images_is_not_valid(body: bytes) -> None:
    assert read_images(body) is None
    assert read_invalid(body, "images").message == "the response has no images"


def test_a_truncated_response_is_described_as_such() -> None:
    message = read_invalid(b'{"images":{', "images").message
    assert message == "the response is truncated or not JSON"


CUT = json.dumps({"images": {"é.jpg": {"hash": HASH}}}, ensure_ascii=False).encode()


@pytest.mark.parametrize("length", range(len(CUT)))
def test_a_truncated_response_is_unreadable_wherever_it_ends(length: int) -> None:
    assert read_images(CUT[:length]) is None
    assert not is_error(CUT[:length])
    assert read_error(200, CUT[:length]).code is None


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"7", b'"x"', b'{"images":[]}', b'{"images":null}',
        b"<!DOCTYPE html><html></html>", b"\xff\xfe", b"\x00" * 9,
        b'{"images":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    ],
    ids=lambda body: repr(body[:20]),
)  # fmt: skip
def test_a_body_of_another_form_is_unreadable(body: bytes) -> None:
    assert read_images(body) is None


def test_a_name_truncated_inside_an_emoji_is_repaired() -> None:
    body = b'{"images":{"a\\ud83d":{"hash":"h","name":"\\ud83d\\ude00 \\ud83d"}}}'
    assert read_images(body) == {"a\ufffd": Entry(hash=ImageHash("h"), name="😀 \ufffd")}
    assert read_images(b'{"images":{"a\xff":{"hash":"h"}}}') == {
        "a\ufffd": Entry(hash=ImageHash("h"))
    }


def test_a_complete_error_is_read() -> None:
    body = {
        "error": {
            "message": "Invalid parameter", "type": "OAuthException", "code": 100,
            "error_subcode": 1487411, "is_transient": False, "error_user_title": "Bad",
            "error_user_msg": "Not an image", "fbtrace_id": "A1", "error_data": {"x": 1},
        }
    }  # fmt: skip
    error = read_error(400, json.dumps(body).encode())
    assert (error.status, error.code, error.subcode, error.transient) == (400, 100, 1487411, False)
    assert error.message == "Not an image"


@pytest.mark.parametrize(
    "others",
    [
        {}, {"message": None}, {"message": 7}, {"is_transient": None}, {"is_transient": "?"},
        {"error_user_msg": {"x": 1}}, {"error_subcode": None}, {"error_subcode": "x"},
        {"message": "a\ud83d"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("code", [190, "190", 190.0])
def test_the_code_is_read_whatever_the_other_fields(others: dict[str, Any], code: Any) -> None:
    error = read_error(400, json.dumps({"error": {"code": code, **others}}).encode())
    assert (error.code, error.subcode) == (190, None)


def test_codes_and_flags_can_be_strings() -> None:
    body = b'{"error":{"code":"2","error_subcode":"99","is_transient":"true"}}'
    error = read_error(500, body)
    assert (error.code, error.subcode, error.transient) == (2, 99, True)


def test_an_error_in_the_old_form_is_read() -> None:
    error = read_error(200, b'{"error_code":"613","error_msg":"Calls exceed the limit"}')
    assert (error.code, error.subcode, error.message) == (613, None, "Calls exceed the limit")


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":{}}', b'{"error":{"code":190},"images":{}}', b'{"error_code":613}',
        b'{"error_code":613,"error_msg":[]}',
    ],
)  # fmt: skip
def test_an_error_is_recognised_whatever_its_status(body: bytes) -> None:
    assert is_error(body)


@pytest.mark.parametrize(
    "body",
    [
        b"{}", b'{"error":null}', b'{"error":"x"}', b"<html>", b"", b'{"error_code":0}',
        b'{"error_code":null}', b'{"error_code":"x"}', b'{"error_msg":"x"}',
    ],
)  # fmt: skip
def test_a_body_of_another_form_is_not_an_error(body: bytes) -> None:
    assert not is_error(body)


def test_the_message_of_an_html_page_is_its_first_line() -> None:
    error = read_error(502, b"<html>\r\n <h1>Bad   Gateway</h1>" + b"x" * 500)
    assert error.message.startswith("<html> <h1>Bad Gateway</h1>xxx")
    assert len(error.message) == 121


def figures(usage: Usage) -> tuple[float, float | None]:
    return usage.percent, usage.regain


def usage(business: Any = None, own: Any = None, app: Any = None) -> Usage:
    headers = {
        "X-Business-Use-Case-Usage": business, "X-Ad-Account-Usage": own, "X-App-Usage": app,
    }  # fmt: skip
    return read_usage(
        ACCOUNT, {name: json.dumps(value) for name, value in headers.items() if value is not None}
    )


def use(calls: Any = 0, cpu: Any = 0, time: Any = 0, regain: Any = 0) -> dict[str, Any]:
    return {
        "type": "ads_management", "call_count": calls, "total_cputime": cpu, "total_time": time,
        "estimated_time_to_regain_access": regain, "ads_api_access_tier": "development_access",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("business", "percent", "regain"),
    [
        ({ACCOUNT: [use(28, 25, 25)]}, 28, None),
        ({ACCOUNT: [use(1, 2, 3)]}, 3, None),
        ({ACCOUNT: [use(1, 140, 3, 7)]}, 140, 420),  # percent past the limit; minutes
        ({ACCOUNT: [use(5), use(90, regain=1), use(7, regain=3)]}, 90, 180),  # several types
        ({"1": [use(99, regain=9)], ACCOUNT: [use(2)]}, 2, None),  # another account's
        ({"1": [use(99, regain=9)]}, 0, None),
        ({"1": None, ACCOUNT: [use(2)]}, 2, None),
        ({ACCOUNT: [7, None, use(2)]}, 2, None),
        ({ACCOUNT: [use("28", None, [], "2")]}, 28, 120),
        ({ACCOUNT: [use("nan", -5, "inf", -1)]}, 0, None),
        ({ACCOUNT: [use(regain=1e308)]}, 0, None),
        ({ACCOUNT: {}}, 0, None),
        ({ACCOUNT: []}, 0, None),
        ([], 0, None),
        ("x", 0, None),
    ],
)
def test_the_business_header_is_read(business: Any, percent: float, regain: float | None) -> None:
    assert figures(usage(business)) == (percent, regain)


@pytest.mark.parametrize(
    ("entry", "percent", "regain"),
    [
        (use(100, regain=60) | {"type": "ads_insights"}, 0, None),
        (use(100, regain=60) | {"type": "custom_audience"}, 0, None),
        (use(100, regain=60) | {"type": "ads_of_tomorrow"}, 0, 300),
        (use(99, cpu=100, regain=60) | {"type": []}, 0, 300),
        (use(99, regain=60) | {"type": "ads_of_tomorrow"}, 0, None),
        (use(100, regain=999_999), 100, 86_400),
    ],
)
def test_a_use_case_closes_an_account_by_its_type_and_for_a_day_at_most(
    entry: dict[str, Any], percent: float, regain: float | None
) -> None:
    assert figures(usage({ACCOUNT: [entry]})) == (percent, regain)


@pytest.mark.parametrize(
    ("own", "percent", "regain"),
    [
        ({"acc_id_util_pct": 9.67, "reset_time_duration": 100}, 9.67, None),
        ({"acc_id_util_pct": 100, "reset_time_duration": 300}, 100, 300),  # seconds
        ({"acc_id_util_pct": "110", "reset_time_duration": "60"}, 110, 60),
        ({"acc_id_util_pct": 100}, 100, None),
        ({}, 0, None),
        (7, 0, None),
    ],
)
def test_the_account_header_is_read(own: Any, percent: float, regain: float | None) -> None:
    assert figures(usage(own=own)) == (percent, regain)


def test_the_highest_figure_of_all_headers_counts() -> None:
    everything = usage(
        {ACCOUNT: [use(10, regain=1)]},
        {"acc_id_util_pct": 100.5, "reset_time_duration": 300},
        {"call_count": 28, "total_time": 120, "total_cputime": 25},
    )
    assert figures(everything) == (120, 300)


@pytest.mark.parametrize(
    ("headers", "regain", "closed_by"),
    [
        (usage({ACCOUNT: [use(99, 99, 99)]}), None, None),
        (
            usage({ACCOUNT: [use(900_000)]}),
            None,
            "ads_management at 900000 % (X-Business-Use-Case-Usage)",
        ),
        (
            usage({ACCOUNT: [use(100) | {"type": "\x1b[2J"}]}),
            300,
            "an unknown use case at 100 % (X-Business-Use-Case-Usage)",
        ),
        (
            usage({ACCOUNT: [use(cpu=120, regain=2)]}, {"acc_id_util_pct": 100}),
            120,
            "ads_management at 120 % (X-Business-Use-Case-Usage)",
        ),
        (
            usage({ACCOUNT: [use(3)]}, {"acc_id_util_pct": 100.5, "reset_time_duration": 90}),
            90,
            "the account's score at 100.5 % (X-Ad-Account-Usage)",
        ),
    ],
)
def test_the_limit_that_closes_an_account_for_longest_is_named(
    headers: Usage, regain: float | None, closed_by: str | None
) -> None:
    assert (headers.regain, headers.closed_by) == (regain, closed_by)


def test_a_truncated_header_is_ignored() -> None:
    headers = {"X-Business-Use-Case-Usage": '{"679', "X-App-Usage": "\udcff{", "X-Other": "1"}
    assert read_usage(ACCOUNT, headers) == Usage()


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
keys = st.sampled_from(
    ["error", "images", "code", "hash", "width", "message", "is_transient", ACCOUNT]
)
near = st.recursive(
    json_values, lambda inner: st.dictionaries(keys, inner, max_size=4), max_leaves=12
)


@given(st.binary() | near.map(lambda value: json.dumps(value).encode()))
@example(b'{"images":{"a":{"hash":"\\udc00"}}}')
@pytest.mark.fuzz
def test_every_body_can_be_read(body: bytes) -> None:
    error = read_error(400, body)
    assert (error.code is None) or is_error(body)
    for got in (read_images(body) or {}).values():
        assert got.hash
        assert all(pixels is None or abs(pixels) < 2**63 for pixels in (got.width, got.height))
    read_node(body)


@given(st.text() | near.map(json.dumps))
@pytest.mark.fuzz
def test_every_header_can_be_read(header: str) -> None:
    names = ("X-Business-Use-Case-Usage", "X-Ad-Account-Usage", "X-App-Usage")
    got = read_usage(ACCOUNT, dict.fromkeys(names, header))
    assert 0 <= got.percent <= 1e6
    assert got.regain is None or 0 < got.regain <= 86_400


def test_a_node_is_read() -> None:
    assert read_node(b'{"id":"act_1","name":"A","account_status":1}') == Node("act_1", "A", 1)
    assert read_node(b'{"id":"1","x":[]}') == Node("1")
    assert read_node(b'{"name":"A"}') is None
    assert read_node(b"[]") is None
    assert read_node(b"<html>") is None


def test_each_budget_is_read_from_its_own_figure() -> None:
    reading = read_usage(
        ACCOUNT,
        {
            "X-Business-Use-Case-Usage": f'{{"{ACCOUNT}":[{{"type":"ads_management",'
            '"call_count":28,"total_cputime":25,"total_time":31,'
            '"estimated_time_to_regain_access":2,"ads_api_access_tier":"standard_access"}]}',
            "X-Ad-Account-Usage": '{"acc_id_util_pct":9.67,"reset_time_duration":100}',
            "X-App-Usage": '{"call_count":40,"total_time":5,"total_cputime":5}',
        },
    ).reading
    assert reading == BudgetUsage(28, 40, 9.67, Tier.STANDARD)
