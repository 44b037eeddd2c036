"""Responses of a foreign server in every framing, broken, or hard to understand."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from support.foreign_server import (
    Behaviour,
    Break,
    ForeignServer,
    Reply,
    error,
)  # fmt: skip
from support.foreign_trial import (
    BAD_PICTURES,
    DEADLINE,
    ENVIRON,
    MAIN,
    Trial,
    file_names,
    run_trial,
)  # fmt: skip

from syncd.check.perspective import Perspective
from syncd.check.run import check_all
from syncd.check.user import current_user

pytestmark = pytest.mark.usefixtures("fast_retries")

WIRES = {
    "HTTP/1.0": Behaviour(http_1_0=True),
    "HTTP/1.0, compressed": Behaviour(http_1_0=True, compressed=True),
    "chunked": Behaviour(chunked=True),
    "chunked, compressed, dripping": Behaviour(chunked=True, compressed=True, byte_by_byte=True),
    "compressed": Behaviour(compressed=True),
    "dripping": Behaviour(byte_by_byte=True),
    "lower case": Behaviour(lower_case=True),
    "unrequested 100": Behaviour(interim=[b"HTTP/1.1 100 Continue\r\n\r\n"]),
    "103": Behaviour(interim=[b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"] * 2),
    "closes silently": Behaviour(closes_silently=True),
}


@pytest.mark.parametrize("wire", WIRES)
async def test_a_response_is_understood_in_every_framing(tmp_path: Path, wire: str) -> None:
    trial = await run_trial(tmp_path, WIRES[wire], pack="images = 3")
    # A connection that closes just when it is used again costs a retry.
    assert len(trial.server.posts) <= (8 if wire == "closes silently" else 4)


async def test_a_connection_that_closes_at_its_second_request_is_replaced(tmp_path: Path) -> None:
    trial = await run_trial(tmp_path, Behaviour(closes_on_reuse=True), pack="images = 3")
    # Each of the four POSTs can use each kept connection once.
    assert len(trial.server.posts) <= 8


@pytest.mark.parametrize("broken", list(Break))
async def test_an_upload_is_retried_after_a_broken_connection(
    tmp_path: Path, broken: Break
) -> None:
    trial = await run_trial(
        tmp_path, post_script=[broken, None, broken], pack="images = 4", timeout="1s"
    )
    assert len(trial.server.posts) <= 3 + 2


HTML = "text/html; charset=utf-8"
TEMPORARY = {
    "HTML 502": Reply(502, b"<html><h1>Bad Gateway", content_type=HTML),
    "HTML 502 after the work": Reply(502, b"<html>", content_type=HTML, after_work=True),
    "503, empty": Reply(503),
    "HTML 200": Reply(200, b"<html>Welcome to our hotel's network", content_type=HTML),
    "half a JSON": Reply(200, b'{"images":{"00.jpg":{"hash":"d8f', after_work=True),
    "endless": Reply(200, b" " * 5_000_000),
    "half a JSON, 400": Reply(400, b'{"error":{"code":1'),
    "200, empty": Reply(200, after_work=True),
    "204": Reply(204, after_work=True),
    "200, null": Reply(200, b"null"),
    "200, []": Reply(200, b"[]"),
    "200, {}": Reply(200, b"{}"),
    "200, not UTF-8": Reply(200, b'{"images":{"\xff\xfe":{}}}'),
    "200, deep": Reply(200, b'{"images":' + b"[" * 100_000),
    "1": error(500, 1),
    "2": error(503, 2, is_transient=True),
    "1 with 400": error(400, 1),
    "1/99": error(400, 1, 99),
    "1 as a string": error(400, "1"),
    "transient": error(400, 77777, is_transient=True),
    "1 with 200": error(200, 1),
    "2 after the work": error(500, 2, after_work=True),
}


RETRIES = {"200, {}": 1 + 4, "200, not UTF-8": 1 + 4, "half a JSON, 400": 1 + 2}


@pytest.mark.parametrize("problem", TEMPORARY)
async def test_a_temporary_problem_delays_the_images_without_loss(
    tmp_path: Path, problem: str
) -> None:
    reply = TEMPORARY[problem]
    trial = await run_trial(tmp_path, post_script=[reply], names=file_names(4))
    # One POST again; after a response without any image, each image alone.
    assert len(trial.server.posts) <= RETRIES.get(problem, 2)


UNKNOWN_FORMS = {
    "no code": error(400),
    "no code, 403": error(403),
    "error as a string": Reply(400, b'{"error":"no"}'),
    "error null": Reply(400, b'{"error":null}'),
    "error null, 200": Reply(200, b'{"error":null}'),
    "error as a list": Reply(400, b'{"error":[{"code":1}]}'),
    "code null": Reply(400, b'{"error":{"code":null,"message":null,"error_subcode":{}}}'),
    "code as words": error(400, "not a number", "nor this"),
    "code as a fraction": error(400, 1.5, 2.5),
    "code large": error(400, 2**70),
    "404 HTML": Reply(404, b"<html>", content_type=HTML),
    "418": Reply(418, b"short and stout"),
    "100 alone": error(400, 100),
}


@pytest.mark.parametrize("form", UNKNOWN_FORMS)
async def test_one_error_of_an_unknown_form_loses_no_image(tmp_path: Path, form: str) -> None:
    trial = await run_trial(tmp_path, post_script=[UNKNOWN_FORMS[form]], names=file_names(4))
    assert len(trial.server.posts) <= 1 + 4


async def test_an_image_that_always_fails_with_an_unknown_error_delays_only_itself(
    tmp_path: Path,
) -> None:
    """Error 100 without a subcode need not be about the image: it is recorded, and not final."""
    behaviour = Behaviour(
        is_bad=lambda content: content == BAD_PICTURES[0], bad_fails_all=error(400, 100)
    )
    async with ForeignServer(behaviour) as server:
        trial = Trial(tmp_path, server)
        trial.fill(file_names(8))
        await trial.backfill(until=lambda: len(trial.held()) == 7 and len(server.posts) > 6)
        assert trial.held() == server.hashes[MAIN]
        rows = trial.query("SELECT coalesce(rejected, last_error) FROM replica WHERE hash IS NULL")
        assert len(rows) == 1
        assert rows[0][0]
        trial.check_complaints()


async def test_a_redirect_takes_the_token_nowhere(tmp_path: Path) -> None:
    async with ForeignServer() as elsewhere, ForeignServer() as server:
        server.post_script.append(
            Reply(307, headers=[("Location", f"{elsewhere.url}/v25.0/act_{MAIN}/adimages")])
        )
        server.post_script.append(Reply(302, headers=[("Location", "/elsewhere")]))
        trial = Trial(tmp_path, server)
        trial.fill(file_names(2))
        await trial.backfill(until=lambda: len(server.posts) >= 2)
        assert not elsewhere.calls
        trial.check_complaints()


@pytest.mark.parametrize("wire", WIRES)
async def test_check_understands_responses_in_every_framing(tmp_path: Path, wire: str) -> None:
    async with ForeignServer(WIRES[wire]) as server:
        trial = Trial(tmp_path, server)
        trial.fill(file_names(1))
        config = trial.config()
        problems = ["not checked"]
        # A connection that closes just when it is used again fails a call, which is not repeated.
        tries = 5 if WIRES[wire].closes_silently else 1
        async with asyncio.timeout(DEADLINE):
            while problems and tries:
                tries -= 1
                results = await asyncio.to_thread(
                    check_all,
                    config,
                    Perspective(user=current_user()),
                    ENVIRON,
                    lambda _secret: None,
                    Path("/proc/sys/fs/inotify"),
                )
                problems = [check.message for check in results if not check.is_ok]
        assert problems == []
        trial.check_complaints()
        account = f"/v25.0/act_{MAIN}"
        paths = {call.head.path for call in server.calls}
        assert paths - {"/v25.0/", f"{account}/adimages"} == {"/v25.0/me", account}
