"""Moments as the API writes them, as unix seconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.graph import timestamps


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        ("Tue, 24 Mar 2026 10:00:00 GMT", 1774346400.0),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784111777.0),  # RFC 9110's own example
        (None, None), ("", None), ("now", None), ("Tue, 31 Feb 2026 10:00:00 GMT", None),
        ("Tue, 24 Mar 2026 10:00:00", None), ("2026-03-24T10:00:00Z", None), ("1774346400", None),
        ("Tue, 24 Mar 2026 10:00:00 GMT, Tue, 24 Mar 2026 10:00:00 GMT", None),
    ],
)  # fmt: skip
def test_a_date_header_is_read_or_unknown(date: str | None, moment: float | None) -> None:
    assert timestamps.of_header(date) == moment


@given(st.text())
def test_no_text_breaks_a_reader(written: str) -> None:
    timestamps.of_header(written)
    moment = timestamps.of_field(written)
    assert moment is None or moment > 0
