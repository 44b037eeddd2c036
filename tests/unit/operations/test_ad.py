"""The ad of a request: where its image goes, and whether anything in it is not paused."""

from typing import Any

import pytest

from syncd.operations.ad import Ad, AdStatus, with_file, with_hash


def story(**link: Any) -> dict[str, Any]:
    return {"object_story_spec": {"page_id": "5", "link_data": link}}


@pytest.mark.parametrize(
    ("creative", "expected"),
    [
        ({"title": "t"}, {"title": "t", "image_hash": "new"}),
        ({"image_hash": "old"}, {"image_hash": "new"}),
        (story(link="x"), story(link="x", image_hash="new")),
        (
            story(child_attachments=[{"image_hash": "old"}, {}]),
            story(child_attachments=[{"image_hash": "new"}, {}]),
        ),
        (
            {"object_story_spec": {"photo_data": {"image_hash": "old"}}},
            {"object_story_spec": {"photo_data": {"image_hash": "new"}}},
        ),
    ],
)
def test_a_hash_is_set_where_the_creative_names_an_image(
    creative: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert with_hash(creative, "new") == expected


@pytest.mark.parametrize(
    ("creative", "expected"),
    [
        ({"title": "t"}, {"title": "t", "image_file": "a.jpg"}),
        (story(image_file="old"), story(image_file="a.jpg")),
    ],
)
def test_a_file_is_set_where_the_creative_names_one_or_at_its_top(
    creative: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert with_file(creative, "a.jpg") == expected


@pytest.mark.parametrize("name", ["status", "configured_status", "effective_status"])
@pytest.mark.parametrize("value", ["ACTIVE", "active", "ARCHIVED", "", None, 1, ["PAUSED"]])
@pytest.mark.parametrize("nested", [False, True])
def test_a_status_in_the_creative_that_is_not_paused_is_found(
    name: str, value: object, nested: bool
) -> None:
    inner = {name: value}
    creative = {"object_story_spec": [{"link_data": inner}]} if nested else inner
    ad = Ad(name="a", adset="5", status=AdStatus.PAUSED, creative=creative)
    assert ad.active() == f"{name!r}: {value!r} of the creative"


def test_an_ad_is_paused_if_its_status_and_its_creative_are() -> None:
    creative = {"status": "PAUSED", "object_story_spec": {"status": "paused"}}
    ad = Ad(name="a", adset="5", status=AdStatus.PAUSED, creative=creative)
    assert ad.active() is None
    assert ad.fields()["status"] == "PAUSED"
    active = Ad(name="a", adset="5", status=AdStatus.ACTIVE, creative={})
    assert active.active() == "--status active"
