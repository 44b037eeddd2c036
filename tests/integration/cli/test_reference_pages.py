"""Every field, parameter and error of the reference pages has its place in the manual."""

import pytest

from syncd.graph.nodes import FIELDS
from syncd.man.blocks import Heading, Term
from syncd.man.topics import topics

# developers.facebook.com: Ad Image and Ad Account Ad Images (v25.0), Ad Image (v2.11; 2013).
PAGES = (
    *("id", "account_id", "created_time", "creatives", "hash", "height"),
    *("is_associated_creatives_in_adgroups", "name", "original_height", "original_width"),
    *("permalink_url", "status", "updated_time", "url", "url_128", "width"),
    *("url_256", "url_256_height", "url_256_width"),
    *("biz_tag_id", "business_id", "hashes", "minheight", "minwidth", "summary", "total_count"),
    *("bytes", "copy_from", "source_account_id", "image_id", "success"),
    *("count", "limit", "offset", "after", "image_hash", "image_file"),
    *("ACTIVE", "INTERNAL", "DELETED"),
    *("100", "190", "200", "368", "415", "613", "2635", "80004"),
)
TERMS = [block for block in topics()["operations"].blocks if isinstance(block, Term)]


@pytest.mark.parametrize("word", PAGES)
def test_a_statement_of_the_reference_pages_has_its_command(word: str) -> None:
    separated = "".join(c if c.isalnum() or c == "_" else " " for c in repr(TERMS)).split()
    assert word in separated


def test_the_fields_that_can_be_listed_are_those_of_the_reference_page() -> None:
    assert sorted(FIELDS) == sorted(PAGES[:16])


def test_each_statement_names_a_command_or_what_syncd_does_instead() -> None:
    assert isinstance(topics()["operations"].blocks[0], Heading)
    others = [term.term for term in TERMS if "`syncd " not in term.text and "--" not in term.text]
    assert others == [
        "The map by hash with `count`, `limit` and `offset` of 2013",
        '"You must include a filename extension"; a `name` has at most 100 characters',
        "There is no update of an image",
    ]
