"""Times in the notations of the API, as Unix seconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.graph import timestamps


@pytest.mark.parametrize(
    ("date", "time"),
    [
        ("Tue, 24 Mar 2026 10:00:00 GMT", 1774346400.0),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784111777.0),  # RFC 9110's own example
        (None, None), ("", None), ("now", None), ("Tue, 31 Feb 2026 10:00:00 GMT", None),
        ("Tue, 24 Mar 2026 10:00:00", None), ("2026-03-24T10:00:00Z", None), ("1774346400", None),
        ("Tue, 24 Mar 2026 10:00:00 GMT, Tue, 24 Mar 2026 10:00:00 GMT", None),
    ],
)  # fmt: skip
def test_a_date_header_is_read_or_unknown(date: str | None, time: float | None) -> None:
    assert timestamps.of_header(date) == time


@given(st.text())
def test_every_text_is_a_time_or_none(text: str) -> None:
    timestamps.of_header(text)
    time = timestamps.of_field(text)
    assert time is None or time > 0
