"""The client over real HTTP: what it sends, and what it makes of everything that can come back."""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from syncd.config import Secret
from syncd.graph.client import Credentials, GraphClient, GraphError, Uploaded, connect
from syncd.graph.multipart import Part
from syncd.model import AccountId, Entry, ImageHash
from syncd.rules.errors import Verdict, judge

TOKEN = "EAAB-secret-token"
APP_SECRET = "0123-app-secret"
PROOF = hmac.new(APP_SECRET.encode(), TOKEN.encode(), hashlib.sha256).hexdigest()
PLAIN = Credentials(Secret(TOKEN))
PROVED = Credentials(Secret(TOKEN), Secret(APP_SECRET))
ACCOUNT = AccountId("42")
HASH = ImageHash("d8fc613662fb5ff2d3d7e4a3a1a3b2c1")
STALL = 0.4
PARTS = [Part("a.jpg", "image/jpeg", b"\xff\xd8abc"), Part("絵.png", "image/png", bytes(300_000))]
TAKEN = b'{"images":{"a.jpg":{"hash":"h1"}},"data":[],"success":true}'  # a yes to every call


@dataclass
class Request:
    line: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


Behave = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """A few lines of HTTP that know nothing of aiohttp."""

    behave: Behave | None = None
    answer: bytes = b""
    requests: list[Request] = field(default_factory=list)
    url: str = ""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.behave is not None:
                await self.behave(reader, writer)
            else:
                self.requests.append(await read_request(reader))
                writer.write(self.answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def read_head(reader: asyncio.StreamReader) -> Request:
    line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = [text.partition(": ") for text in lines if text]
    return Request(line, [(key, value) for key, _, value in pairs], b"")


async def read_request(reader: asyncio.StreamReader) -> Request:
    request = await read_head(reader)
    for length in request.header("Content-Length"):
        request.body = await reader.readexactly(int(length))
    return request


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    listening = await asyncio.start_server(made, "127.0.0.1", 0, limit=2**16)
    host, port = listening.sockets[0].getsockname()
    made.url = f"http://{host}:{port}"
    yield made
    listening.close()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[GraphClient]:
    async with connect(server.url, "v25.0", STALL) as made:
        yield made


Call = Callable[[GraphClient], Awaitable[object]]
CALLS: dict[str, Call] = {
    "upload": lambda c: c.upload(ACCOUNT, PROVED, PARTS),
    "upload_bytes": lambda c: c.upload_bytes(ACCOUNT, PROVED, b"\xfb\xff" * 1000),
    "copy": lambda c: c.copy(ACCOUNT, PROVED, AccountId("7"), HASH),
    "images": lambda c: c.images(ACCOUNT, PROVED, [HASH, ImageHash("h2")], "cursor"),
    "library": lambda c: c.library(ACCOUNT, PROVED, None, 500),
    "delete": lambda c: c.delete(ACCOUNT, PROVED, HASH),
    "me": lambda c: c.me(PROVED),
    "account": lambda c: c.account(ACCOUNT, PROVED),
}
every_call = pytest.mark.parametrize("name", CALLS)


@pytest.fixture(autouse=True)
def the_token_is_in_no_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.DEBUG):
        yield
    assert TOKEN not in caplog.text
    assert PROOF not in caplog.text


async def failure(call: Awaitable[object]) -> GraphError:
    """Return what the call ends in, having looked for secrets in all that it carries."""
    async with asyncio.timeout(20):
        with pytest.raises(GraphError) as raised:
            await call
    error = raised.value
    for text in (str(error), repr(error), repr(error.fault), repr(error.usage)):
        for secret in (TOKEN, APP_SECRET, PROOF):
            assert secret not in text
    # What went wrong inside aiohttp carries the request, and so the token.
    assert error.__cause__ is None
    assert error.__context__ is None
    return error


@every_call
async def test_the_token_is_in_one_header_and_nowhere_else(
    server: Server, client: GraphClient, name: str
) -> None:
    server.answer = http(TAKEN)
    await CALLS[name](client)
    (request,) = server.requests
    assert request.header("Authorization") == [f"Bearer {TOKEN}"]
    everything = [request.line, *(f"{k}: {v}" for k, v in request.headers), repr(request.body)]
    assert sum(text.count(TOKEN) for text in everything) == 1
    assert not any(APP_SECRET in text for text in everything)


@every_call
async def test_a_call_is_proved_with_the_apps_secret(
    server: Server, client: GraphClient, name: str
) -> None:
    server.answer = http(TAKEN)
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


async def test_without_an_app_secret_nothing_is_proved(server: Server, client: GraphClient) -> None:
    server.answer = http(TAKEN)
    await client.upload(ACCOUNT, PLAIN, PARTS)
    await client.me(PLAIN)
    assert not any(
        "appsecret" in request.line or b"appsecret" in request.body for request in server.requests
    )


async def test_the_body_is_the_parts_and_its_length_is_said(
    server: Server, client: GraphClient
) -> None:
    server.answer = http(TAKEN)
    uploaded = await client.upload(ACCOUNT, PLAIN, PARTS)
    assert uploaded.entries == {"a.jpg": Entry(ImageHash("h1"))}
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
async def test_bytes_go_as_a_urlencoded_field(
    server: Server, client: GraphClient, content: bytes
) -> None:
    server.answer = http(b'{"images":{"bytes":{"hash":"h"}}}')
    assert (await client.upload_bytes(ACCOUNT, PROVED, content)).entries == {
        "bytes": Entry(ImageHash("h"))
    }
    (request,) = server.requests
    assert request.header("Content-Type") == ["application/x-www-form-urlencoded"]
    form = parse_qs(request.body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
    assert base64.b64decode(form["bytes"][0], validate=True) == content
    assert form.keys() == {"bytes", "appsecret_proof"}


def query(request: Request) -> dict[str, str]:
    target = request.line.split(" ")[1]
    return dict(parse_qsl(urlsplit(target).query, keep_blank_values=True, strict_parsing=True))


FIELDS = "hash,name,status,created_time,creatives,is_associated_creatives_in_adgroups"


async def test_a_list_asks_for_the_hashes_and_for_what_decides_over_an_image(
    server: Server, client: GraphClient
) -> None:
    server.answer = http(TAKEN)
    await client.images(ACCOUNT, PLAIN, [HASH, ImageHash("h2")])
    await client.images(ACCOUNT, PLAIN, [HASH], "a+b/c=&d é%2B")
    hashes = f'["{HASH}","h2"]'
    first, second = map(query, server.requests)
    assert first == {"hashes": hashes, "limit": "2", "fields": FIELDS}
    assert second["after"] == "a+b/c=&d é%2B"


async def test_fifty_hashes_go_in_one_read(server: Server, client: GraphClient) -> None:
    server.answer = http(TAKEN)
    hashes = [ImageHash(f"{n:032x}") for n in range(50)]
    await client.images(ACCOUNT, PLAIN, hashes)
    (request,) = server.requests
    assert json.loads(query(request)["hashes"]) == hashes
    assert query(request)["limit"] == "50"


async def test_the_library_is_read_by_pages_and_counted(
    server: Server, client: GraphClient
) -> None:
    body = {
        "data": [{"hash": HASH}],
        "paging": {"cursors": {"after": "c"}, "next": "https://elsewhere.invalid/?after=c"},
        "summary": {"total_count": 7},
    }
    server.answer = http(json.dumps(body).encode(), "200 OK", *USAGE)
    page = await client.library(ACCOUNT, PLAIN, None, 1000)
    await client.library(ACCOUNT, PLAIN, page.after, 1000)
    assert [image.hash for image in page.images] == [HASH]
    assert (page.after, page.total, page.usage.percent) == ("c", 7, 28)
    first, second = map(query, server.requests)
    assert first == {"summary": "total_count", "limit": "1000", "fields": FIELDS}
    assert second == {**first, "after": "c"}


@pytest.mark.parametrize("name", ["images", "library"])
@pytest.mark.parametrize("body", [b"{}", b'{"data":null}', b'{"data":[],"paging":{"next":"x"}}'])
async def test_a_page_that_cannot_be_read_is_no_empty_one(
    server: Server, client: GraphClient, body: bytes, name: str
) -> None:
    server.answer = http(body, "200 OK", *USAGE)
    error = await failure(CALLS[name](client))
    assert judge(error.fault) is Verdict.RETRY
    assert error.usage.percent == 28


async def test_a_copy_names_source_and_hash_and_takes_the_entry_that_comes(
    server: Server, client: GraphClient
) -> None:
    server.answer = http(b'{"images":{"whatever":{"hash":"another"}}}')
    copied = await client.copy(ACCOUNT, PLAIN, AccountId("0123456789012345678"), HASH)
    assert copied.entries == {"whatever": Entry(ImageHash("another"))}
    (request,) = server.requests
    assert request.header("Content-Type") == ["application/x-www-form-urlencoded"]
    form = parse_qs(request.body.decode("ascii"), strict_parsing=True)
    assert form.keys() == {"copy_from"}
    wanted = {"source_account_id": "0123456789012345678", "hash": HASH}
    assert json.loads(form["copy_from"][0]) == wanted


async def test_a_deletion_names_the_hash_and_has_no_body(
    server: Server, client: GraphClient
) -> None:
    server.answer = http(b'{"success":true}', "200 OK", *USAGE)
    assert (await client.delete(ACCOUNT, PLAIN, HASH)).percent == 28
    (request,) = server.requests
    assert query(request) == {"hash": HASH}
    assert request.header("Content-Length") in ([], ["0"])
    assert request.header("Transfer-Encoding") == []


@pytest.mark.parametrize("body", [b"{}", b'{"success":false}', b'{"success":null}', b"[]"])
async def test_a_deletion_without_success_is_an_error(
    server: Server, client: GraphClient, body: bytes
) -> None:
    server.answer = http(body, "200 OK", *USAGE)
    error = await failure(client.delete(ACCOUNT, PLAIN, HASH))
    assert error.fault.code is None
    assert error.usage.percent == 28


@pytest.mark.parametrize(
    ("header", "moment"),
    [("Date: Tue, 24 Mar 2026 10:00:00 GMT", 1774346400.0), ("Date: today", None), ("X: y", None)],
)
@pytest.mark.parametrize("name", ["upload", "upload_bytes", "copy"])
async def test_an_upload_tells_when_it_was_answered_by_the_servers_clock(
    server: Server, client: GraphClient, name: str, header: str, moment: float | None
) -> None:
    server.answer = http(TAKEN, "200 OK", header)
    uploaded = await CALLS[name](client)
    assert isinstance(uploaded, Uploaded)
    assert uploaded.answered_at == moment


USAGE = (
    'X-Business-Use-Case-Usage: {"42":[{"call_count":28,"estimated_time_to_regain_access":2}]}',
)


@every_call
async def test_usage_is_read_off_answers_and_errors_alike(
    server: Server, client: GraphClient, name: str
) -> None:
    server.answer = http(b'{"error":{"code":80004}}', "400 Bad Request", *USAGE)
    error = await failure(CALLS[name](client))
    assert judge(error.fault) is Verdict.PAUSE_ACCOUNT
    assert (error.usage.percent, error.usage.regain) == ((28, 120) if name != "me" else (0, None))
    server.answer = http(TAKEN, "200 OK", *USAGE)
    usage = (await client.upload(ACCOUNT, PLAIN, PARTS)).usage
    assert (usage.percent, usage.regain) == (28, 120)


async def test_a_usage_header_of_many_accounts_is_no_garbage(
    server: Server, client: GraphClient
) -> None:
    use = '[{"type":"ads_management","call_count":1,"total_cputime":1,"total_time":1}]'
    others = ",".join(f'"{10**15 + n}":{use}' for n in range(300))
    header = f'X-Business-Use-Case-Usage: {{{others},"42":[{{"call_count":7}}]}}'
    assert len(header) > 20_000
    server.answer = http(TAKEN, "200 OK", header)
    assert (await client.upload(ACCOUNT, PLAIN, PARTS)).usage.percent == 7


ANSWERS: dict[str, bytes] = {
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-",
    "garbage": b"\x00\xff\r\n\r\n" * 9,
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "half a body": http(TAKEN)[:-9],
    "half a JSON": http(TAKEN[:-9]),
    "half a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{",
    "a bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n{",
    "a bad gzip": http(b"no gzip", "200 OK", "Content-Encoding: gzip"),
    "a page": http(b"<!DOCTYPE html><p>hello"),
    "latin-1": http("<p>hé".encode("latin-1")),
    "no body": http(b"", "204 No Content"),
    "bad gateway": http(b"<h1>Bad Gateway</h1>", "502 Bad Gateway"),
    "an error with no body": http(b"", "500 Internal Server Error"),
    "code 2": http(b'{"error":{"code":2,"message":"x"}}', "503 Service Unavailable"),
    "a header without end": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 600_000,
    "somewhere else": http(b"", "302 Found", "Location: /elsewhere"),
    "somewhere else still": http(b"", "307 Temporary Redirect", "Location: http://127.0.0.1:1/"),
}


@every_call
@pytest.mark.parametrize("what", ANSWERS)
async def test_it_is_tried_again_after(
    server: Server, client: GraphClient, what: str, name: str
) -> None:
    server.answer = ANSWERS[what]
    error = await failure(CALLS[name](client))
    assert judge(error.fault) is Verdict.RETRY
    assert "\n" not in str(error)
    assert len(server.requests) == 1  # what became of it is unknown: that is for others to say


@every_call
async def test_a_refused_connection_is_tried_again(name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    async with connect(f"http://127.0.0.1:{port}", "v25.0", STALL) as client:
        error = await failure(CALLS[name](client))
    assert judge(error.fault) is Verdict.RETRY


@every_call
async def test_a_name_that_does_not_resolve_is_tried_again(name: str) -> None:
    async with connect("http://nowhere.invalid", "v25.0", STALL) as client:
        assert judge((await failure(CALLS[name](client))).fault) is Verdict.RETRY


@every_call
@pytest.mark.parametrize("how", ["reset", "closed"])
async def test_a_call_on_a_kept_connection_that_breaks_is_not_repeated_unasked(
    server: Server, client: GraphClient, name: str, how: str
) -> None:
    heard: list[Request] = []

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await read_request(reader))
        writer.write(http(TAKEN).replace(b"Connection: close\r\n", b""))
        heard.append(await read_request(reader))
        if how == "reset":
            await reset_after(0)(reader, writer)

    server.behave = once
    await CALLS[name](client)
    error = await failure(CALLS[name](client))
    assert judge(error.fault) is Verdict.RETRY
    assert len(heard) == 2


def reset_after(count: int) -> Behave:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if count:
            await reader.readexactly(count)
        own = writer.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        writer.transport.abort()

    return behave


@every_call
@pytest.mark.parametrize("count", [0, 100])
async def test_a_reset_is_tried_again(
    server: Server, client: GraphClient, name: str, count: int
) -> None:
    server.behave = reset_after(count)
    assert judge((await failure(CALLS[name](client))).fault) is Verdict.RETRY


async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await asyncio.Event().wait()


@asynccontextmanager
async def deaf() -> AsyncIterator[str]:
    """A server that takes connections and reads nothing, with no room for what is sent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("name", ["me", "upload"])
async def test_an_answer_that_never_comes_is_a_time_out(
    server: Server, client: GraphClient, name: str
) -> None:
    server.behave = never
    error = await failure(CALLS[name](client))
    assert error.fault.message == "timed out"
    assert judge(error.fault) is Verdict.RETRY


LARGE: dict[str, Call] = {
    "upload": lambda c: c.upload(ACCOUNT, PLAIN, [Part("a", "image/png", bytes(30_000_000))]),
    "upload_bytes": lambda c: c.upload_bytes(ACCOUNT, PLAIN, bytes(30_000_000)),
}


@pytest.mark.parametrize("name", LARGE)
async def test_a_body_that_nobody_reads_is_a_time_out(name: str) -> None:
    async with deaf() as url, connect(url, "v25.0", STALL) as client:
        assert judge((await failure(LARGE[name](client))).fault) is Verdict.RETRY


async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await read_head(reader)
    left = int(head.header("Content-Length")[0])
    while left:
        left -= len(await reader.read(2**16))
        await asyncio.sleep(0.003)
    for byte in http(TAKEN):
        writer.write(bytes([byte]))
        await asyncio.sleep(0.006)


async def test_the_time_out_is_for_standing_still_not_for_taking_long(
    server: Server, client: GraphClient
) -> None:
    server.behave = slowly
    began = asyncio.get_running_loop().time()
    uploaded = await client.upload(ACCOUNT, PLAIN, [Part("a", "image/png", bytes(12_000_000))])
    assert uploaded.entries
    assert asyncio.get_running_loop().time() - began > 2 * STALL


async def test_a_call_stands_still_only_after_all_the_time_that_it_may_take(
    server: Server, client: GraphClient
) -> None:
    came, go = asyncio.Event(), asyncio.Event()

    async def wait(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await read_head(reader)
        came.set()
        await go.wait()

    server.behave = wait
    image = [Part("a", "image/png", bytes(2**20))]  # four chunks, each with its stall time
    call = asyncio.create_task(failure(client.upload(ACCOUNT, PLAIN, image)))
    await came.wait()
    now, pulse = time.monotonic(), client.calling[ACCOUNT]
    assert pulse.idle_for(now + 7 * STALL) == 0.0
    assert pulse.idle_for(now + 10 * STALL) > 0.0
    go.set()
    await call
    assert pulse.idle_for(now + 10 * STALL) == 0.0


async def test_too_large_is_understood_also_when_the_body_was_not_read(
    server: Server, client: GraphClient
) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(http(b"<h1>too large</h1>", "413 Request Entity Too Large"))
        await writer.drain()
        while await reader.read(2**16):  # as a polite server does before it closes
            pass

    server.behave = refuse
    error = await failure(client.upload(ACCOUNT, PLAIN, [Part("a", "image/png", bytes(3_000_000))]))
    assert judge(error.fault) is Verdict.TOO_LARGE


@every_call
async def test_an_error_with_status_200_is_an_error(
    server: Server, client: GraphClient, name: str
) -> None:
    server.answer = http(b'{"error":{"code":190,"error_subcode":463,"message":"expired"}}')
    error = await failure(CALLS[name](client))
    assert judge(error.fault) is Verdict.STOP_TOKEN
    assert str(error) == "190/463: expired"


async def test_a_netrc_of_the_user_is_not_asked(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    async with connect("https://127.0.0.1:1", "v25.0", STALL) as client:
        assert judge((await failure(client.me(PLAIN))).fault) is Verdict.RETRY


async def test_the_proxy_of_the_environment_is_used_for_https_alone(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", server.url)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "elsewhere.invalid")
    server.answer = http(b"", "403 Forbidden")
    async with connect("https://graph.invalid", "v25.0", STALL) as client:
        await failure(client.me(PLAIN))
    (request,) = server.requests
    assert request.line == "CONNECT graph.invalid:443 HTTP/1.1"
    assert request.header("Authorization") == []
    async with connect("https://elsewhere.invalid", "v25.0", STALL) as client:
        await failure(client.me(PLAIN))
    assert len(server.requests) == 1
    server.answer = http(b'{"id":"1"}')
    async with connect(server.url, "v25.0", STALL) as client:
        await client.me(PLAIN)
    assert server.requests[-1].line == "GET /v25.0/me?fields=id,name HTTP/1.1"
