"""Lists and deletions as they are answered, in shapes that were seen and in some that were not."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syncd.graph.listing import Listing, is_deleted, read_listing
from syncd.model import ImageHash, ImageStatus, Listed

HASH = ImageHash("d8fc613662fb5ff2d3d7e4a3a1a3b2c1")
TEN = 1774346400.0  # 2026-03-24 10:00 UTC


def page(asked_after: str | None = None, **answer: Any) -> Listing | None:
    return read_listing(json.dumps({"data": [], **answer}).encode(), asked_after)


def read(**answer: Any) -> Listing:
    got = page(**answer)
    assert got is not None
    return got


def image(**fields: Any) -> Listed:
    (got,) = read(data=[{"hash": HASH, **fields}]).images
    return got


def bare(image_hash: str) -> Listed:
    return Listed(
        hash=ImageHash(image_hash),
        name=None,
        status=ImageStatus.UNKNOWN,
        created_at=None,
        used=None,
    )


def test_todays_page_is_read_whole() -> None:
    node = {
        "id": f"42:{HASH}", "hash": HASH, "name": "a.jpg", "status": "ACTIVE",
        "created_time": "2026-03-24T10:00:00+0000", "creatives": ["120"],
        "is_associated_creatives_in_adgroups": False, "invented_tomorrow": {"x": [1]},
    }  # fmt: skip
    got = read(
        data=[node],
        paging={"cursors": {"before": "a", "after": "b"}, "next": "https://x/?after=b"},
        summary={"total_count": 7},
    )
    listed = Listed(hash=HASH, name="a.jpg", status=ImageStatus.ACTIVE, created_at=TEN, used=True)
    assert got == Listing((listed,), after="b", total=7)


def test_the_page_of_2013_is_a_map_by_hash() -> None:
    data = {"h1": {"name": "a"}, "h2": {"hash": "h3"}, "h4": {"hash": ""}, "h5": None, "h6": 7}
    got = read(data=data, count=5, limit=25, offset=0).images
    assert [one.hash for one in got] == ["h1", "h3", "h4"]
    assert got[0].name == "a"


@pytest.mark.parametrize("entry", [{}, {"hash": ""}, {"hash": None}, {"hash": 7}, None, 7, "x", []])
def test_an_entry_without_a_hash_is_left_out(entry: Any) -> None:
    assert read(data=[entry, {"hash": "h"}]).images == (bare("h"),)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("ACTIVE", ImageStatus.ACTIVE), ("INTERNAL", ImageStatus.INTERNAL),
        ("DELETED", ImageStatus.DELETED), ("ARCHIVED", ImageStatus.UNKNOWN),
        ("", ImageStatus.UNKNOWN), (None, ImageStatus.UNKNOWN), (1, ImageStatus.UNKNOWN),
        ([], ImageStatus.UNKNOWN),
    ],
)  # fmt: skip
def test_a_status_is_a_known_word_or_unknown(said: Any, status: ImageStatus) -> None:
    assert image(status=said).status is status


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        ("2026-03-24T10:00:00+0000", TEN), ("2026-03-24T10:00:00Z", TEN),
        ("2026-03-24T12:00:00+02:00", TEN), ("2026-03-24T03:00:00-0700", TEN),
        (1774346400, TEN), ("1774346400", TEN), (1774346400.5, TEN + 0.5),
        (1774346400000, None),  # milliseconds, of which a year is made that is yet to come
        ("2026-03-24T10:00:00", None),  # whose clock?
        ("2026-03-24", None), ("yesterday", None), ("", None), (None, None), (True, None),
        (0, None), (-1, None), ("nan", None), ("inf", None), (10**400, None), ({}, None),
        ("0001-01-01T00:00:00+23:59", None), ("9999-12-31T23:59:59-23:59", None),
    ],
)  # fmt: skip
def test_created_time_is_read_or_unknown(said: Any, moment: float | None) -> None:
    assert image(created_time=said).created_at == moment


SAID = "creatives", "is_associated_creatives_in_adgroups"
YES: list[Any] = [["1"], [{"id": "1"}], {"data": [{"id": "1"}]}, 3, "3", True, "true"]
NO: list[Any] = [[], {"data": []}, 0, "0", False, "false"]
PUZZLES: list[Any] = [{}, {"data": None}, {"120": {"id": "120"}}, "", "some", -1, 0.5]


@pytest.mark.parametrize("field", SAID)
@pytest.mark.parametrize(
    ("said", "used"),
    [(None, None), *((yes, True) for yes in YES), *((no, False) for no in NO)],
)
def test_one_field_tells_whether_the_image_is_used(
    field: str, said: Any, used: bool | None
) -> None:
    assert image(**{field: said}).used is used
    assert image(**{field: said}).hash == HASH


def test_an_image_of_which_nothing_is_said_may_be_used() -> None:
    assert image().used is None


@pytest.mark.parametrize("other", [None, *YES, *NO, *PUZZLES])
@pytest.mark.parametrize("yes", YES)
@pytest.mark.parametrize("field", SAID)
def test_it_is_used_when_either_field_says_so(field: str, yes: Any, other: Any) -> None:
    (beside,) = set(SAID) - {field}
    assert image(**{field: yes, beside: other}).used is True


@pytest.mark.parametrize("other", [None, *NO, *PUZZLES])
@pytest.mark.parametrize("puzzle", PUZZLES)
@pytest.mark.parametrize("field", SAID)
def test_what_nobody_understands_is_never_a_no(field: str, puzzle: Any, other: Any) -> None:
    (beside,) = set(SAID) - {field}
    assert image(**{field: puzzle, beside: other}).used is None


@pytest.mark.parametrize(
    ("paging", "after"),
    [
        (None, None), ([], None), ("x", None), (7, None), ({}, None), ({"cursors": None}, None),
        ({"cursors": {"after": "b"}}, None),  # the list ends where no next is
        ({"cursors": {"after": "b"}, "next": None}, None),
        ({"cursors": {"after": "b"}, "next": ""}, None),
        ({"cursors": {"after": "b"}, "next": False}, None),
        ({"cursors": {"after": "b"}, "next": "https://x/?after=c"}, "b"),
        ({"cursors": {"after": "b"}, "next": True}, "b"),
        ({"cursors": {"after": "b"}, "next": {}}, None),
        ({"next": "https://x/y?limit=2&after=c%2B%3D&z=1"}, "c+="),
        ({"cursors": [], "next": "https://x/?after=c"}, "c"),
        ({"cursors": {"after": ""}, "next": "https://x/?after=c"}, "c"),
        ({"cursors": {"after": "a"}, "next": "https://x/?after=a"}, None),  # back to itself
    ],
)  # fmt: skip
def test_the_list_goes_on_where_next_says_so(paging: Any, after: str | None) -> None:
    got = page("a", paging=paging)
    assert got is not None
    assert got.after == after


@pytest.mark.parametrize(
    "paging",
    [
        {"next": "https://x/"}, {"next": "https://x/?after="}, {"next": True}, {"next": 7},
        {"next": "http://[bad"}, {"cursors": {"after": 7}, "next": "x"},
    ],
)  # fmt: skip
def test_a_next_that_leads_nowhere_does_not_end_the_list(paging: Any) -> None:
    assert page(paging=paging) is None


def test_an_empty_page_may_have_a_next() -> None:
    got = read(paging={"cursors": {"after": "b"}, "next": "https://x/"})
    assert got == Listing((), "b", None)


@pytest.mark.parametrize(
    ("summary", "total"),
    [
        ({"total_count": 7}, 7), ({"total_count": "7"}, 7), ({"total_count": 7.0}, 7),
        ({"total_count": 0}, 0), ({"total_count": -1}, None), ({"total_count": 0.5}, None),
        ({"total_count": None}, None), ({}, None), (None, None), ([], None), ("7", None),
    ],
)  # fmt: skip
def test_the_total_is_a_whole_number_or_unknown(summary: Any, total: int | None) -> None:
    assert read(summary=summary).total == total


CUT = json.dumps({"data": [{"hash": HASH, "name": "é"}]}, ensure_ascii=False).encode()


@pytest.mark.parametrize("length", range(len(CUT)))
def test_a_page_cut_anywhere_is_no_page(length: int) -> None:
    assert read_listing(CUT[:length], None) is None


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"7", b'"x"', b"{}", b'{"data":null}', b'{"data":7}', b'{"data":"x"}',
        b'{"success":true}', b'{"images":{}}', b"<!DOCTYPE html><html></html>", b"\xff\xfe",
        b'{"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=lambda body: repr(body[:20]),
)  # fmt: skip
def test_what_cannot_be_read_is_no_empty_page(body: bytes) -> None:
    assert read_listing(body, None) is None


@pytest.mark.parametrize(
    ("body", "deleted"),
    [
        (b'{"success":true}', True), (b'{"success":"true"}', True), (b'{"success":1}', True),
        (b'{"success":false}', False), (b'{"success":"false"}', False), (b'{"success":0}', False),
        (b'{"success":null}', False), (b'{"success":"maybe"}', False), (b'{"success":{}}', False),
        (b"{}", False), (b'{"data":[]}', False),
        (b"", None), (b'{"success":tr', None), (b"[]", None), (b"true", None), (b"<html>", None),
    ],
)  # fmt: skip
def test_a_deletion_is_believed_only_when_success_says_so(
    body: bytes, deleted: bool | None
) -> None:
    assert is_deleted(body) is deleted


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
keys = st.sampled_from(
    ["hash", "name", "status", "created_time", "after", "next", "cursors", "total_count", *SAID]
)
near = st.recursive(
    json_values,
    lambda inner: st.dictionaries(keys, inner, max_size=4) | st.lists(inner, max_size=4),
    max_leaves=12,
)


@given(data=near, paging=near, summary=near, after=st.none() | st.text(max_size=9))
@example(
    data=[{"hash": "h", "created_time": "0001-01-01T00:00:00+23:59"}],
    paging=0,
    summary=0,
    after=None,
)
@example(data=[], paging={"next": "//[", "cursors": {}}, summary=0, after=None)
def test_no_page_breaks_the_reader(data: Any, paging: Any, summary: Any, after: str | None) -> None:
    got = page(after, data=data, paging=paging, summary=summary)
    if got is None:
        return
    assert got.after is None or got.after != after
    assert got.total is None or got.total >= 0
    for one in got.images:
        assert one.hash
        assert one.created_at is None or one.created_at > 0


@given(st.binary())
def test_no_body_breaks_a_reader(body: bytes) -> None:
    read_listing(body, None)
    is_deleted(body)
