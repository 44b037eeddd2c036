"""Names and messages of an API that contain terminal escapes and line breaks, in every command."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from support.http_server import Server, http, read_request, serving
from support.pictures import picture
from support.process import Ended, syncd
from support.rig import Rig

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b2J\u202e\r\nforged"
HASH = "d8fc613662fb5ff2d3d7e4a3a1a3b2c1"
OUTSIDE = "[2J"
"""A part of `HOSTILE` that is printable: it shows that a text from outside was printed at all."""

ERROR = {"message": HOSTILE, "error_user_title": HOSTILE, "fbtrace_id": HOSTILE}


async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept good.png, reject every other image, and describe everything in hostile texts."""
    request = await read_request(reader)
    body: dict[str, object] = {"id": "1", "name": HOSTILE}
    status = "200 OK"
    if request.line.startswith("POST") and b"good.png" in request.body:
        body = {"images": {"good.png": {"hash": HASH, "name": HOSTILE}}}
    elif request.line.startswith("POST"):
        body, status = {"error": {"code": 100, "error_subcode": 2490361, **ERROR}}, "400 Bad"
    elif "adimages" in request.line:
        body = {"data": [{"hash": "h1", "name": HOSTILE}], "summary": {"total_count": 1}}
    elif "act_1" in request.line:
        body, status = {"error": {"code": 10, **ERROR}}, "403 Forbidden"
    writer.write(http(json.dumps(body).encode(), status))


@pytest.fixture
async def hostile() -> AsyncIterator[Server]:
    async with serving() as server:
        server.behaviour = respond
        yield server


COMMANDS: dict[str, tuple[tuple[str, ...], bool]] = {
    "backfill": ((), True),
    "status": ((), True),
    "find": ((HASH,), True),
    "plan": ((), True),
    "export": ((), True),
    "check": ((), True),
    "audit": (("--everything",), True),
    "deletions": ((), False),
    "retry": ((), False),
    "events": ((), False),
    "explain": ((), False),
}
"""Per command: its arguments, and whether it shows a text of the API."""


async def run(rig: Rig, server: Server, command: str, *words: str) -> Ended:
    config = rig.write_config()
    text = config.read_text().replace(rig.sandbox.url, server.url)
    config.write_text(text)
    file = () if command in ("events", "explain") else ("--config", str(config))
    return await syncd(rig, command, *words, *file)


async def test_no_command_prints_a_control_character_of_the_api(rig: Rig, hostile: Server) -> None:
    rig.write("good.png", picture(1))
    rig.write("bad.png", picture(2))
    for command, (words, shows) in COMMANDS.items():
        ended = await run(rig, hostile, command, *words)
        printed = ended.out.replace("\r\n", "\n") if command == "export" else ended.out
        for line in (printed + ended.err).split("\n"):
            assert line.isprintable(), (command, line)
            assert not line.startswith("forged"), command
        assert (OUTSIDE in printed + ended.err) is shows, (command, ended)


async def test_json_has_the_texts_as_they_are(rig: Rig, hostile: Server) -> None:
    rig.write("good.png", picture(1))
    await run(rig, hostile, "backfill")
    exported = await run(rig, hostile, "export", "--format", "json")
    (row,) = json.loads(exported.out)
    assert row["name"] == HOSTILE
    assert "\x1b" not in exported.out
