"""Texts of responses are bounded where they enter, and read in spite of a BOM."""

import json

import pytest

from syncd.graph.json_values import MAX_MESSAGE, MAX_NAME, bounded
from syncd.graph.shapes import is_error, read_error, read_images, read_node
from syncd.model import Entry, ImageHash

HASH = ImageHash("d8fc613662fb5ff2d3d7e4a3a1a3b2c1")


@pytest.mark.parametrize("length", [0, MAX_MESSAGE - 1, MAX_MESSAGE])
def test_a_text_that_is_not_too_long_is_unchanged(length: int) -> None:
    assert bounded("é" * length) == "é" * length


def test_the_name_of_an_entry_is_bounded() -> None:
    body = {"images": {"a.jpg": {"hash": HASH, "name": "n" * 2_000_000}}}
    entries = read_images(json.dumps(body).encode())
    assert entries is not None
    assert len(entries["a.jpg"].name or "") == MAX_NAME


def test_the_name_of_a_node_is_bounded() -> None:
    node = read_node(b'{"id":"1","name":"%b"}' % (b"n" * 1000))
    assert node is not None
    assert len(node.name or "") == MAX_NAME


TEXTS = {"message": "message", "error_user_title": "title", "fbtrace_id": "trace_id"}


@pytest.mark.parametrize("field", TEXTS)
def test_every_text_of_an_error_is_bounded(field: str) -> None:
    body = {"error": {"code": 1, field: "x" * 1000}}
    got = getattr(read_error(400, json.dumps(body).encode()), TEXTS[field])
    assert got == "x" * (MAX_MESSAGE - 1) + "…"


def test_a_long_user_message_is_bounded_as_message_and_as_user_message() -> None:
    body = {"error": {"code": 1, "error_user_msg": "é" * 2_000_000}}
    error = read_error(400, json.dumps(body).encode())
    assert len(error.message) == len(error.user_message or "") == MAX_MESSAGE


def test_the_host_of_a_redirect_is_bounded() -> None:
    message = read_error(302, b"", f"https://{'h' * 200_000}/").message
    assert message.startswith("redirected to hhh")
    assert len(message) == MAX_MESSAGE


def test_a_response_that_begins_with_a_bom_is_read() -> None:
    body = f'\ufeff{{"images":{{"a.jpg":{{"hash":"{HASH}"}}}}}}'.encode()
    assert read_images(body) == {"a.jpg": Entry(hash=HASH)}
    assert is_error(b'\xef\xbb\xbf{"error":{"code":190}}')
