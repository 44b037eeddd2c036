"""Complete responses that are errors, or not valid: what the client makes of their texts."""

from collections.abc import Callable

import pytest
from support.graph_calls import (
    ACCOUNT,
    APP_SECRET,
    CALLS,
    HASH,
    PARTS,
    PLAIN,
    PROOF,
    TOKEN,
    every_call,
    failure,
)  # fmt: skip
from support.http_server import Server, http

from syncd.graph.client import GraphClient
from syncd.rules.errors import Verdict, judge

pytestmark = pytest.mark.usefixtures("secrets_are_not_logged")

Encode = Callable[[str], str]


@every_call
async def test_an_error_with_status_200_is_an_error(
    server: Server, client: GraphClient, name: str
) -> None:
    server.response = http(b'{"error":{"code":190,"error_subcode":463,"message":"expired"}}')
    error = await failure(CALLS[name](client))
    assert judge(error.api_error) is Verdict.STOP_TOKEN
    assert str(error) == "190/463: expired"


@every_call
async def test_an_error_in_the_old_form_is_an_error(
    server: Server, client: GraphClient, name: str
) -> None:
    server.response = http(b'\xef\xbb\xbf{"error_code":613,"error_msg":"slow down"}')
    error = await failure(CALLS[name](client))
    assert judge(error.api_error) is Verdict.PAUSE_ABUSE
    assert str(error) == "613: slow down"


WITHOUT: dict[str, tuple[bytes, str]] = {
    "upload": (b'{"images":[]}', "image with a valid hash in `images`"),
    "upload_bytes": (b'{"images":{"a":{"hash":""}}}', "image with a valid hash in `images`"),
    "copy": (b"{}", "image with a valid hash in `images`"),
    "images": (b'{"data":7}', "complete list in `data`"),
    "library": (b'{"data":[],"paging":{"next":"x"}}', "complete list in `data`"),
    "delete": (b'{"success":false}', "`success`: true"),
    "me": (b'{"name":"A"}', "`id`"),
    "account": (b"{}", "`id`"),
}


@every_call
async def test_a_response_without_its_main_field_is_worth_a_retry(
    server: Server, client: GraphClient, name: str
) -> None:
    body, field = WITHOUT[name]
    server.response = http(body)
    error = await failure(CALLS[name](client))
    assert judge(error.api_error) is Verdict.RETRY
    assert str(error) == f"HTTP 200: the response has no {field}"


NO_HASH = http(b'{"images":{"a.jpg":{"hash":"see \\u001b[2J"}}}')


async def test_the_response_to_one_image_without_a_hash_is_worth_a_retry(
    server: Server, client: GraphClient
) -> None:
    server.response = NO_HASH
    for call in (
        client.upload(ACCOUNT, PLAIN, PARTS[:1]),
        client.upload_bytes(ACCOUNT, PLAIN, PARTS[0]),
    ):
        assert judge((await failure(call)).api_error) is Verdict.RETRY
    shared = await client.upload(ACCOUNT, PLAIN, PARTS)  # each image alone shows what is wrong
    assert shared.entries == {}


async def test_a_lookup_with_an_entry_without_a_hash_does_not_show_that_an_image_is_gone(
    server: Server, client: GraphClient
) -> None:
    server.response = http(b'{"data":[{"hash":"h1"},{"hash":"<p>"}]}')
    error = await failure(client.images(ACCOUNT, PLAIN, [HASH]))
    assert judge(error.api_error) is Verdict.RETRY
    page = await client.library(ACCOUNT, PLAIN, None, 100)  # one entry does not hide the others
    assert [image.hash for image in page.images] == ["h1"]


@every_call
async def test_the_host_of_a_redirect_contains_no_secret(
    server: Server, client: GraphClient, name: str
) -> None:
    server.response = http(b"", "302 Found", f"Location: https://{TOKEN}.login.example/x")
    error = await failure(CALLS[name](client))
    assert str(error).startswith("HTTP 302: redirected to ***")


@every_call
@pytest.mark.parametrize("encode", [str, lambda text: "".join(f"%{ord(c):02x}" for c in text)])
@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("400 Bad Request", '{{"error":{{"code":190,"message":"Malformed access token {}"}}}}'),
        ("502 Bad Gateway", "<p>no route to /me?access_token={}</p>"),
    ],
)
async def test_an_error_contains_no_secret_that_the_server_repeats(
    server: Server, client: GraphClient, name: str, encode: Encode, status: str, body: str
) -> None:
    for secret in (TOKEN, APP_SECRET, PROOF):
        server.response = http(body.format(encode(secret)).encode(), status)
        error = await failure(CALLS[name](client))
        assert encode(secret) not in str(error)
        assert "***" in str(error)
