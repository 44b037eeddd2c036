"""Responses to lists and deletions in observed and in imagined forms."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syncd.graph.json_values import MAX_NAME
from syncd.graph.listing import Listing, is_deleted, position, read_listing
from syncd.model import ImageHash, ImageStatus, Listed

HASH = ImageHash("d8fc613662fb5ff2d3d7e4a3a1a3b2c1")
TEN = 1774346400.0  # 2026-03-24 10:00 UTC


def page(requested_after: str | None = None, **answer: Any) -> Listing | None:
    return read_listing(json.dumps({"data": [], **answer}).encode(), requested_after)


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


def test_a_complete_page_is_read() -> None:
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


def test_a_page_of_2013_is_a_map_by_hash() -> None:
    data = {"h1": {"name": "a"}, "h2": {"hash": "h3"}, "h4": {"hash": ""}, "h5": None, "h 6": {}}
    got = read(data=data, count=5, limit=25, offset=0).images
    assert [one.hash for one in got] == ["h1", "h3", "h4"]
    assert got[0].name == "a"


def map_of(images: int) -> dict[str, Any]:
    return {f"h{n}": {"hash": f"h{n}", "url": f"https://u/h{n}"} for n in range(images)}


@pytest.mark.parametrize(
    ("images", "offset", "requested", "after"),
    [
        (2, 0, None, "offset=2"),
        (0, 0, None, None),
        (100, 100, "offset=100", "offset=200"),
        (50, 200, "offset=200", "offset=250"),
        (0, 250, "offset=250", None),
        (2, "0", None, "offset=2"),
        (2, None, None, None),
        (2, "x", None, None),
    ],
)
@pytest.mark.parametrize("count", [2, 250])
def test_a_list_of_2013_continues_at_an_offset_until_a_page_is_empty(
    images: int, count: int, offset: Any, requested: str | None, after: str | None
) -> None:
    got = page(requested, data=map_of(images), count=count, limit=100, offset=offset)
    assert got is not None
    assert (len(got.images), got.after, got.total) == (images, after, None)


@pytest.mark.parametrize(("offset", "requested"), [(0, "offset=2"), (2, None), (-2, None)])
def test_a_page_at_another_offset_is_unreadable(offset: int, requested: str | None) -> None:
    """Taken for the requested page, it would be requested forever."""
    assert page(requested, data=map_of(2), count=9, limit=2, offset=offset) is None


@pytest.mark.parametrize("paging", [{"cursors": {"after": "b"}}, {"cursors": {}}])
def test_a_list_with_cursors_continues_by_them_alone(paging: Any) -> None:
    assert read(data=map_of(2), count=9, limit=2, offset=0, paging=paging).after is None
    got = read(data=map_of(2), count=9, limit=2, offset=0, paging=paging | {"next": "x?after=b"})
    assert got.after == "b"
    end = page("b", data={}, count=9, limit=2, offset=0, paging={})
    assert end is not None
    assert end.after is None


@pytest.mark.parametrize(
    ("after", "parameter"),
    [(None, {}), ("offset=100", {"offset": "100"}), ("QVFI=", {"after": "QVFI="})],
)
def test_the_next_page_is_requested_by_its_position(
    after: str | None, parameter: dict[str, str]
) -> None:
    assert position(after) == parameter


NOT_HASHES: list[Any] = ["", None, 7, [], "h" * 129, "a b", "é", "h\n", "\x1b[2J", "see https://x"]
ENTRIES: list[Any] = [{}, *({"hash": value} for value in NOT_HASHES), None, 7, "x", []]


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_page_with_an_entry_without_a_hash_is_not_whole(entry: Any) -> None:
    got = read(data=[entry, {"hash": "h"}])
    assert got.images == (bare("h"),)
    assert not got.is_whole


def test_a_listed_name_is_bounded() -> None:
    assert len(image(name="n" * 2_000_000).name or "") == MAX_NAME


@pytest.mark.parametrize("in_url", [False, True])
def test_a_cursor_is_read_whole(in_url: bool) -> None:
    cursor = "c" * 5000
    paging: dict[str, Any] = {"next": f"https://x/?after={cursor}"}
    got = read(paging=paging if in_url else paging | {"cursors": {"after": cursor}})
    assert got.after == cursor


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("ACTIVE", ImageStatus.ACTIVE), ("INTERNAL", ImageStatus.INTERNAL),
        ("DELETED", ImageStatus.DELETED), ("ARCHIVED", ImageStatus.UNKNOWN),
        ("", ImageStatus.UNKNOWN), (None, ImageStatus.UNKNOWN), (1, ImageStatus.UNKNOWN),
        ([], ImageStatus.UNKNOWN),
    ],
)  # fmt: skip
def test_a_status_is_read_or_unknown(value: Any, status: ImageStatus) -> None:
    assert image(status=value).status is status


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("2026-03-24T10:00:00+0000", TEN), ("2026-03-24T10:00:00Z", TEN),
        ("2026-03-24T12:00:00+02:00", TEN), ("2026-03-24T03:00:00-0700", TEN),
        (1774346400, TEN), ("1774346400", TEN), (1774346400.5, TEN + 0.5),
        (1774346400000, None),  # milliseconds, which are in the far future as seconds
        ("2026-03-24T10:00:00", None),  # no offset
        ("2026-03-24", None), ("yesterday", None), ("", None), (None, None), (True, None),
        (0, None), (-1, None), ("nan", None), ("inf", None), (10**400, None), ({}, None),
        ("0001-01-01T00:00:00+23:59", None), ("9999-12-31T23:59:59-23:59", None),
    ],
)  # fmt: skip
def test_created_time_is_read_or_unknown(value: Any, time: float | None) -> None:
    assert image(created_time=value).created_at == time


@pytest.mark.parametrize(
    ("width", "height", "pixels"),
    [
        (40, 30, (40, 30)), ("40", "30", (40, 30)), (40, None, None), (None, 30, None),
        ("wide", 30, None), (40.5, 30, None), ([], {}, None),
    ],
)  # fmt: skip
def test_pixels_are_read_or_unknown(width: Any, height: Any, pixels: Any) -> None:
    assert image(original_width=width, original_height=height).pixels == pixels


FIELDS = "creatives", "is_associated_creatives_in_adgroups"
YES: list[Any] = [["1"], [{"id": "1"}], {"data": [{"id": "1"}]}, 3, "3", True, "true"]
NO: list[Any] = [[], {"data": []}, 0, "0", False, "false"]
UNKNOWN: list[Any] = [{}, {"data": None}, {"120": {"id": "120"}}, "", "some", -1, 0.5]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    ("value", "used"),
    [(None, None), *((yes, True) for yes in YES), *((no, False) for no in NO)],
)
def test_one_field_is_enough_to_know_whether_an_image_is_used(
    field: str, value: Any, used: bool | None
) -> None:
    assert image(**{field: value}).used is used
    assert image(**{field: value}).hash == HASH


def test_the_use_of_an_image_without_these_fields_is_unknown() -> None:
    assert image().used is None


@pytest.mark.parametrize("other", [None, *YES, *NO, *UNKNOWN])
@pytest.mark.parametrize("yes", YES)
@pytest.mark.parametrize("field", FIELDS)
def test_an_image_is_used_if_either_field_reports_it(field: str, yes: Any, other: Any) -> None:
    (second,) = set(FIELDS) - {field}
    assert image(**{field: yes, second: other}).used is True


@pytest.mark.parametrize("other", [None, *NO, *UNKNOWN])
@pytest.mark.parametrize("unknown", UNKNOWN)
@pytest.mark.parametrize("field", FIELDS)
def test_a_field_of_an_unknown_form_never_counts_as_unused(
    field: str, unknown: Any, other: Any
) -> None:
    (second,) = set(FIELDS) - {field}
    assert image(**{field: unknown, second: other}).used is None


@pytest.mark.parametrize(
    ("paging", "after"),
    [
        (None, None), ([], None), ("x", None), (7, None), ({}, None), ({"cursors": None}, None),
        ({"cursors": {"after": "b"}}, None),  # no next: the list ends here
        ({"cursors": {"after": "b"}, "next": None}, None),
        ({"cursors": {"after": "b"}, "next": ""}, None),
        ({"cursors": {"after": "b"}, "next": False}, None),
        ({"cursors": {"after": "b"}, "next": "https://x/?after=c"}, "b"),
        ({"cursors": {"after": "b"}, "next": True}, "b"),
        ({"cursors": {"after": "b"}, "next": {}}, None),
        ({"next": "https://x/y?limit=2&after=c%2B%3D&z=1"}, "c+="),
        ({"cursors": [], "next": "https://x/?after=c"}, "c"),
        ({"cursors": {"after": ""}, "next": "https://x/?after=c"}, "c"),
        ({"cursors": {"after": "a"}, "next": "https://x/?after=a"}, None),  # its own cursor
    ],
)  # fmt: skip
def test_the_list_continues_after_the_cursor_of_next(paging: Any, after: str | None) -> None:
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
def test_a_next_without_a_cursor_is_not_the_end_of_the_list(paging: Any) -> None:
    assert page(paging=paging) is None


def test_an_empty_page_can_have_a_next() -> None:
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
def test_a_truncated_page_is_unreadable_wherever_it_ends(length: int) -> None:
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
def test_an_unreadable_body_is_not_an_empty_page(body: bytes) -> None:
    assert read_listing(body, None) is None


@pytest.mark.parametrize(
    ("body", "deleted"),
    [
        (b'{"success":true}', True), (b'{"success":"true"}', True), (b'{"success":1}', True),
        (b'{"success":false}', False), (b'{"success":"false"}', False), (b'{"success":0}', False),
        (b'{"success":null}', False), (b'{"success":"maybe"}', False), (b'{"success":{}}', False),
        (b"{}", False), (b'{"data":[]}', False),
        (b"", False), (b'{"success":tr', False), (b"[]", False), (b"true", False),
        (b"<html>", False),
    ],
)  # fmt: skip
def test_a_deletion_succeeded_only_if_success_is_true(body: bytes, deleted: bool) -> None:
    assert is_deleted(body) is deleted


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
keys = st.sampled_from(
    ["hash", "name", "status", "created_time", "after", "next", "cursors", "total_count", *FIELDS]
)
near = st.recursive(
    json_values,
    lambda inner: st.dictionaries(keys, inner, max_size=4) | st.lists(inner, max_size=4),
    max_leaves=12,
)


offsets = json_values | st.integers(0, 3).map(str) | st.integers(0, 3)


@given(
    data=near,
    paging=near,
    summary=near,
    counts=st.fixed_dictionaries({}, optional=dict.fromkeys(("count", "limit", "offset"), offsets)),
    after=st.none() | st.text(max_size=9) | st.integers(0, 3).map("offset={}".format),
)
@example(
    data=[{"hash": "h", "created_time": "0001-01-01T00:00:00+23:59"}],
    paging=0,
    summary=0,
    counts={},
    after=None,
)
@example(data=[], paging={"next": "//[", "cursors": {}}, summary=0, counts={}, after=None)
@pytest.mark.fuzz
def test_every_page_can_be_read(
    data: Any, paging: Any, summary: Any, counts: dict[str, Any], after: str | None
) -> None:
    got = page(after, data=data, paging=paging, summary=summary, **counts)
    if got is None:
        return
    assert got.after is None or got.after != after
    assert got.total is None or got.total >= 0
    for one in got.images:
        assert one.hash
        assert one.created_at is None or one.created_at > 0


@given(st.binary())
@pytest.mark.fuzz
def test_every_body_can_be_read(body: bytes) -> None:
    read_listing(body, None)
    is_deleted(body)
