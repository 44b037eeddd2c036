"""Responses of any form to every call: only GraphError leaves the client, and in bounded length."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.fuzz import examples
from support.graph_calls import CALLS, SECRETS, SUCCESS
from support.http_server import http, serving

from syncd.graph.client import GraphError, connect

TIMEOUT = 5.0
LONGEST = 2000  # characters of an error
REPLACED: list[Any] = [
    None, True, False, 0, -1, 1.5, 1e300, 10**400, "", "x" * 10_000, "\x1b[2J", "\ud800", [], {},
    [[]], [None], {"": ""}, {"error": {}}, "2026-11-29T01:00:00+0000", "NaN", "http://[",
]  # fmt: skip
NAMES = (
    "images", "data", "error", "paging", "summary", "hash", "name", "code", "message", "success",
    "error_subcode", "error_data", "is_transient", "cursors", "after", "next", "total_count", "id",
)  # fmt: skip
WHOLE = [
    json.loads(SUCCESS),
    {"error": {"message": "m", "code": 190, "error_subcode": 463, "fbtrace_id": "x"}},
    {"data": [{"hash": "h", "status": "ACTIVE"}], "paging": {"cursors": {"after": "a"}}},
    [{"code": 200, "headers": [], "body": "{}"}, None],
]
HEADERS = (
    "X-Business-Use-Case-Usage", "X-Ad-Account-Usage", "X-App-Usage", "Date", "Retry-After",
    "Content-Type", "Content-Encoding", "Location",
)  # fmt: skip


def with_replacement(draw: st.DrawFn, value: Any, depth: int = 0) -> Any:
    """Return a JSON value in which some places have another value."""
    if draw(st.integers(0, 4)) == 0:
        return draw(st.sampled_from(REPLACED))
    if isinstance(value, dict):
        found = {name: with_replacement(draw, one, depth + 1) for name, one in value.items()}
        if depth < 3 and draw(st.integers(0, 3)) == 0:
            found[draw(st.sampled_from(NAMES))] = draw(st.sampled_from(REPLACED))
        return found
    if isinstance(value, list):
        return [with_replacement(draw, one, depth + 1) for one in value]
    return value


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    """Return a response with a known body that was changed, or with any bytes."""
    value = with_replacement(draw, draw(st.sampled_from(WHOLE)))
    body = draw(st.just(json.dumps(value).encode()) | st.binary(max_size=40))
    status = draw(st.sampled_from([200, 204, 301, 400, 401, 403, 404, 413, 429, 500, 503, 599]))
    text = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
    value_of = text | st.just(json.dumps(value)[:2000])
    headers = draw(st.dictionaries(st.sampled_from(HEADERS), value_of, max_size=3))
    lines = [f"{name}: {one}" for name, one in headers.items()]
    return http(body, f"{status} Text", *lines)


@pytest.fixture(scope="module")
def outcome() -> Iterator[Callable[[str, bytes], object]]:
    """Return a function that makes a call with a response, and returns its result or error."""
    with asyncio.Runner() as runner:

        async def make(name: str, response: bytes) -> object:
            async with serving() as server, connect(server.url, "v25.0", TIMEOUT) as client:
                server.response = response
                try:
                    return await CALLS[name](client)
                except GraphError as error:
                    return error

        yield lambda name, response: runner.run(make(name, response))


@pytest.mark.fuzz
@given(st.sampled_from(sorted(CALLS)), responses())
@example("images", http(b'{"data":' + b"[" * 50_000 + b"]" * 50_000 + b"}"))
@settings(examples(100), suppress_health_check=[HealthCheck.too_slow])
def test_any_response_is_a_result_or_the_one_error(
    outcome: Callable[[str, bytes], object], name: str, response: bytes
) -> None:
    found = outcome(name, response)
    assert len(repr(found)) < 100 * LONGEST
    if isinstance(found, GraphError):
        assert len(str(found)) < LONGEST
        assert SECRETS.found_in(str(found)) == set()
