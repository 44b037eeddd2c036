"""The client's requests over real HTTP, and its reading of successful responses."""

import base64
import json
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from support.graph_calls import (
    ACCOUNT,
    APP_SECRET,
    CALLS,
    HASH,
    PARTS,
    PLAIN,
    PROOF,
    PROVED,
    SUCCESS,
    TOKEN,
    USAGE,
    every_call,
    failure,
)  # fmt: skip
from support.http_server import Request, Server, http

from syncd.graph.body import Part
from syncd.graph.client import GraphClient, Uploaded, connect
from syncd.model import AccountId, Entry, ImageHash
from syncd.rules.errors import Verdict, judge

pytestmark = pytest.mark.usefixtures("secrets_are_not_logged")


@every_call
async def test_the_token_is_in_one_header_and_nowhere_else(
    server: Server, client: GraphClient, name: str
) -> None:
    server.response = http(SUCCESS)
    await CALLS[name](client)
    (request,) = server.requests
    assert request.header("Authorization") == [f"Bearer {TOKEN}"]
    everything = [request.line, *(f"{k}: {v}" for k, v in request.headers), repr(request.body)]
    assert sum(text.count(TOKEN) for text in everything) == 1
    assert not any(APP_SECRET in text for text in everything)


@every_call
async def test_a_call_carries_the_proof_of_the_app_secret(
    server: Server, client: GraphClient, name: str
) -> None:
    server.response = http(SUCCESS)
    await CALLS[name](client)
    (request,) = server.requests
    method, target, _ = request.line.split(" ")
    form = parse_qs(request.body.decode("latin-1")).get("appsecret_proof") == [PROOF]
    proofs = {
        "upload": f'name="appsecret_proof"\r\n\r\n{PROOF}\r\n'.encode() in request.body,
        "upload_bytes": form,
        "copy": form,
    }.get(name, parse_qs(urlsplit(target).query).get("appsecret_proof") == [PROOF])
    assert proofs
    posts = dict.fromkeys(("upload", "upload_bytes", "copy"), "POST")
    assert method == {**posts, "delete": "DELETE"}.get(name, "GET")
    assert (PROOF in target) == (method != "POST")
    paths = {"me": "/v25.0/me", "account": "/v25.0/act_42"}
    assert urlsplit(target).path == paths.get(name, "/v25.0/act_42/adimages")


async def test_calls_carry_no_proof_without_an_app_secret(
    server: Server, client: GraphClient
) -> None:
    server.response = http(SUCCESS)
    await client.upload(ACCOUNT, PLAIN, PARTS)
    await client.me(PLAIN)
    assert not any(
        "appsecret" in request.line or b"appsecret" in request.body for request in server.requests
    )


async def test_the_body_is_the_parts_and_its_length_is_announced(
    server: Server, client: GraphClient
) -> None:
    server.response = http(SUCCESS)
    uploaded = await client.upload(ACCOUNT, PLAIN, PARTS)
    assert uploaded.entries == {"a.jpg": Entry(hash=ImageHash("h1"))}
    (request,) = server.requests
    assert request.header("Content-Length") == [str(len(request.body))]
    assert request.header("Transfer-Encoding") == []
    assert request.header("Content-Encoding") == []
    (kind,) = request.header("Content-Type")
    boundary = kind.removeprefix("multipart/form-data; boundary=").encode()
    pieces = request.body.split(b"--" + boundary)
    assert pieces[0] == b""
    assert pieces[-1] == b"--\r\n"
    for part, piece in zip(PARTS, pieces[1:-1], strict=True):
        head, _, content = piece.partition(b"\r\n\r\n")
        assert content == part.content + b"\r\n"
        assert f'filename="{part.name}"'.encode() in head


@pytest.mark.parametrize("content", [b"", b"x", bytes(range(256)) * 500, b"\xfb\xff\xbe"])
async def test_bytes_are_sent_as_a_urlencoded_field_with_the_name(
    server: Server, client: GraphClient, content: bytes
) -> None:
    server.response = http(b'{"images":{"bytes":{"hash":"h"}}}')
    part = Part("a&b=絵.jpg", "image/jpeg", content)
    assert (await client.upload_bytes(ACCOUNT, PROVED, part)).entries == {
        "bytes": Entry(hash=ImageHash("h"))
    }
    (request,) = server.requests
    assert request.header("Content-Type") == ["application/x-www-form-urlencoded"]
    form = parse_qs(request.body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
    assert base64.b64decode(form["bytes"][0], validate=True) == content
    assert form["name"] == [part.name]
    assert form.keys() == {"bytes", "name", "appsecret_proof"}


def query(request: Request) -> dict[str, str]:
    target = request.line.split(" ")[1]
    return dict(parse_qsl(urlsplit(target).query, keep_blank_values=True, strict_parsing=True))


FIELDS = "hash,name,status,created_time,creatives,is_associated_creatives_in_adgroups"


async def test_a_list_requests_the_hashes_and_the_fields_that_decide_about_an_image(
    server: Server, client: GraphClient
) -> None:
    server.response = http(SUCCESS)
    await client.images(ACCOUNT, PLAIN, [HASH, ImageHash("h2")])
    await client.images(ACCOUNT, PLAIN, [HASH], "a+b/c=&d é%2B")
    hashes = f'["{HASH}","h2"]'
    first, second = map(query, server.requests)
    assert first == {"hashes": hashes, "limit": "2", "fields": FIELDS}
    assert second["after"] == "a+b/c=&d é%2B"


async def test_one_list_takes_fifty_hashes(server: Server, client: GraphClient) -> None:
    server.response = http(SUCCESS)
    hashes = [ImageHash(f"{n:032x}") for n in range(50)]
    await client.images(ACCOUNT, PLAIN, hashes)
    (request,) = server.requests
    assert json.loads(query(request)["hashes"]) == hashes
    assert query(request)["limit"] == "50"


async def test_the_library_is_read_page_by_page_and_counted(
    server: Server, client: GraphClient
) -> None:
    body = {
        "data": [{"hash": HASH}],
        "paging": {"cursors": {"after": "c"}, "next": "https://elsewhere.invalid/?after=c"},
        "summary": {"total_count": 7},
    }
    server.response = http(json.dumps(body).encode(), "200 OK", *USAGE)
    page = await client.library(ACCOUNT, PLAIN, None, 1000)
    await client.library(ACCOUNT, PLAIN, page.after, 1000)
    assert [image.hash for image in page.images] == [HASH]
    assert (page.after, page.total, page.usage.percent) == ("c", 7, 28)
    first, second = map(query, server.requests)
    assert first == {"summary": "total_count", "limit": "1000", "fields": FIELDS}
    assert second == {**first, "after": "c"}


async def test_a_list_by_name_requests_the_pixels_too(server: Server, client: GraphClient) -> None:
    server.response = http(
        f'{{"data":[{{"hash":"{HASH}","original_width":40,"original_height":"30"}}]}}'.encode()
    )
    page = await client.named(ACCOUNT, PLAIN, "a&b é.jpg")
    assert [image.pixels for image in page.images] == [(40, 30)]
    (request,) = server.requests
    assert query(request) == {
        "name": "a&b é.jpg",
        "limit": "1000",
        "fields": f"{FIELDS},original_width,original_height",
    }


@pytest.mark.parametrize("name", ["images", "library"])
@pytest.mark.parametrize("body", [b"{}", b'{"data":null}', b'{"data":[],"paging":{"next":"x"}}'])
async def test_an_unreadable_page_is_an_error_and_not_an_empty_page(
    server: Server, client: GraphClient, body: bytes, name: str
) -> None:
    server.response = http(body, "200 OK", *USAGE)
    error = await failure(CALLS[name](client))
    assert judge(error.api_error) is Verdict.RETRY
    assert error.usage.percent == 28


async def test_a_copy_sends_source_and_hash_and_takes_the_entry_of_the_response(
    server: Server, client: GraphClient
) -> None:
    server.response = http(b'{"images":{"whatever":{"hash":"another"}}}')
    copied = await client.copy(ACCOUNT, PLAIN, AccountId("0123456789012345678"), HASH)
    assert copied.entries == {"whatever": Entry(hash=ImageHash("another"))}
    (request,) = server.requests
    assert request.header("Content-Type") == ["application/x-www-form-urlencoded"]
    form = parse_qs(request.body.decode("ascii"), strict_parsing=True)
    assert form.keys() == {"copy_from"}
    wanted = {"source_account_id": "0123456789012345678", "hash": HASH}
    assert json.loads(form["copy_from"][0]) == wanted


async def test_a_deletion_sends_the_hash_and_no_body(server: Server, client: GraphClient) -> None:
    server.response = http(b'{"success":true}', "200 OK", *USAGE)
    assert (await client.delete(ACCOUNT, PLAIN, HASH)).percent == 28
    (request,) = server.requests
    assert query(request) == {"hash": HASH}
    assert request.header("Content-Length") in ([], ["0"])
    assert request.header("Transfer-Encoding") == []


@pytest.mark.parametrize("body", [b"{}", b'{"success":false}', b'{"success":null}', b"[]"])
async def test_a_deletion_without_success_is_an_error(
    server: Server, client: GraphClient, body: bytes
) -> None:
    server.response = http(body, "200 OK", *USAGE)
    error = await failure(client.delete(ACCOUNT, PLAIN, HASH))
    assert error.api_error.code is None
    assert error.usage.percent == 28


@pytest.mark.parametrize(
    ("header", "time"),
    [("Date: Tue, 24 Mar 2026 10:00:00 GMT", 1774346400.0), ("Date: today", None), ("X: y", None)],
)
@pytest.mark.parametrize("name", ["upload", "upload_bytes", "copy"])
async def test_an_upload_has_the_time_of_the_servers_clock(
    server: Server, client: GraphClient, name: str, header: str, time: float | None
) -> None:
    server.response = http(SUCCESS, "200 OK", header)
    uploaded = await CALLS[name](client)
    assert isinstance(uploaded, Uploaded)
    assert uploaded.server_time == time


@every_call
async def test_usage_is_read_from_successes_and_errors_alike(
    server: Server, client: GraphClient, name: str
) -> None:
    server.response = http(b'{"error":{"code":80004}}', "400 Bad Request", *USAGE)
    error = await failure(CALLS[name](client))
    assert judge(error.api_error) is Verdict.PAUSE_ACCOUNT
    assert (error.usage.percent, error.usage.regain) == ((28, 120) if name != "me" else (0, None))
    server.response = http(SUCCESS, "200 OK", *USAGE)
    usage = (await client.upload(ACCOUNT, PLAIN, PARTS)).usage
    assert (usage.percent, usage.regain) == (28, 120)


async def test_a_usage_header_with_many_accounts_is_read(
    server: Server, client: GraphClient
) -> None:
    use = '[{"type":"ads_management","call_count":1,"total_cputime":1,"total_time":1}]'
    others = ",".join(f'"{10**15 + n}":{use}' for n in range(300))
    header = f'X-Business-Use-Case-Usage: {{{others},"42":[{{"call_count":7}}]}}'
    assert len(header) > 20_000
    server.response = http(SUCCESS, "200 OK", header)
    assert (await client.upload(ACCOUNT, PLAIN, PARTS)).usage.percent == 7


async def test_the_users_netrc_is_not_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("default login user password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    async with connect("https://127.0.0.1:1", "v25.0", 0.4) as client:
        assert judge((await failure(client.me(PLAIN))).api_error) is Verdict.RETRY


async def test_the_proxy_of_the_environment_is_used_for_https_alone(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", server.url)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "elsewhere.invalid")
    server.response = http(b"", "403 Forbidden")
    async with connect("https://graph.invalid", "v25.0", 0.4) as client:
        await failure(client.me(PLAIN))
    (request,) = server.requests
    assert request.line == "CONNECT graph.invalid:443 HTTP/1.1"
    assert request.header("Authorization") == []
    async with connect("https://elsewhere.invalid", "v25.0", 0.4) as client:
        await failure(client.me(PLAIN))
    assert len(server.requests) == 1
    server.response = http(b'{"id":"1"}')
    async with connect(server.url, "v25.0", 0.4) as client:
        await client.me(PLAIN)
    assert server.requests[-1].line == "GET /v25.0/me?fields=id,name HTTP/1.1"
