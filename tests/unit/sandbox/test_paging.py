"""Pages: every image once, invalid cursors, links without the token of a header."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.sandbox.calls import read_call
from syncd.sandbox.edges.listing import Page, cursor, cut, id_of, links
from syncd.sandbox.errors import CallError
from syncd.sandbox.library import order
from syncd.sandbox.switches import Switches
from syncd.sandbox.values import AccountId, Image, ImageHash, Picture


def images(number: int) -> list[Image]:
    made = [
        Image(
            account=AccountId("1"),
            picture=Picture(
                hash=ImageHash(f"{i * 7919 % 100_003:032x}"),
                sha256=f"{i:064x}",
                size=1,
                width=1,
                height=1,
                original_width=1,
                original_height=1,
            ),
            name=f"{i}.jpg",
            created_time=0.0,
            updated_time=0.0,
        )
        for i in range(number)
    ]
    return sorted(made, key=order)


def page(all_images: list[Image], query: str, switches: Switches | None = None) -> Page:
    call = read_call(
        method="GET", target=f"/v25.0/act_1/adimages?{query}", authorization=None,
        content_type="", body=bytearray(), base_url="http://x",
    )  # fmt: skip
    return cut(all_images, all_images, call, switches or Switches())


@given(st.integers(0, 60), st.integers(1, 30), st.booleans())
def test_the_next_pages_contain_every_image_once(number: int, limit: int, short: bool) -> None:
    switches = Switches(page_fill="short" if short else "full")
    everything = images(number)
    met: list[Image] = []
    found = page(everything, f"limit={limit}", switches)
    met.extend(found.images)
    while found.has_next:
        found = page(everything, f"limit={limit}&after={cursor(found.images[-1])}", switches)
        met.extend(found.images)
    assert met == everything


@given(st.integers(1, 60), st.integers(1, 30))
def test_the_previous_pages_contain_every_image_once(number: int, limit: int) -> None:
    everything = images(number)
    met = [everything[-1]]
    found = Page([everything[-1]], has_previous=number > 1, has_next=False)
    while found.has_previous:
        found = page(everything, f"limit={limit}&before={cursor(found.images[0])}")
        met = [*found.images, *met]
    assert met == everything


def test_a_page_has_25_images_by_default_and_5000_at_most() -> None:
    assert len(page(images(30), "").images) == 25
    assert len(page(images(30), "limit=30", Switches(largest_page=10)).images) == 10


@pytest.mark.parametrize("query", ["after=x", "after=%21%21", "before=bm90aGluZw==", "limit=0"])
def test_a_text_that_is_not_a_cursor_is_an_error(query: str) -> None:
    with pytest.raises(CallError):
        page(images(3), query)


def test_a_cursor_is_invalid_after_its_image_was_deleted() -> None:
    everything = images(3)
    gone = cursor(everything[1])
    with pytest.raises(CallError) as raised:
        page([everything[0], everything[2]], f"after={gone}")
    assert raised.value.api_error.code == 2642


@pytest.mark.parametrize("in_query", [True, False])
def test_a_link_contains_the_token_only_if_the_query_did(in_query: bool) -> None:
    token = "&access_token=secret" if in_query else ""
    call = read_call(
        method="GET",
        target=f"/v25.0/act_1/adimages?limit=1&fields=hash{token}",
        authorization="Bearer secret",
        content_type="",
        body=bytearray(),
        base_url="http://x",
    )
    everything = images(3)
    link = links(Page(everything[:1], has_previous=False, has_next=True), call)["next"]
    assert isinstance(link, str)
    query = parse_qs(urlsplit(link).query)
    assert ("access_token" in query) is in_query
    assert query["limit"] == ["1"]
    assert [id_of(text) for text in query["after"]] == [everything[0].id]
