"""Who sees the pages: passwords, host names, proxies; and how wrong passwords are logged."""

from collections.abc import AsyncIterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs
from support.rig import Rig, until
from support.visitor import Reply, Visitor, visitor

from syncd.rules.logins import FREE
from syncd.web.rejections import Rejections
from syncd.web.server import MOST_FORM

PROXY = """[web]
proxies = ["127.0.0.1"]
hosts = ["library.example.com"]
"""


async def test_another_host_name_is_rejected_without_a_password(visit: Visitor) -> None:
    assert (await visit.get("/library", Host="evil.com")).status == 403
    assert (await visit.get("/library", Host="localhost:1")).status == 200


async def test_a_password_is_needed_for_every_page(library: Rig) -> None:
    async with visitor(library, "right") as visit:
        for path in ("/", "/library", "/image/" + 64 * "0", "/small/" + 64 * "0"):
            reply = await visit.get(path, Host="library.example.com")
            assert (reply.status, reply.headers["Location"]) == (303, "/login")
        assert (await visit.post("/csv")).status == 303
        assert (await visit.get("/login")).status == 200


async def test_the_password_opens_a_session_until_it_is_closed(library: Rig) -> None:
    async with visitor(library, "right") as visit:
        assert (await visit.post("/login", ("password", "wrong"))).status == 403
        reply = await visit.post("/login", ("password", "right"))
        assert {"HttpOnly", "SameSite=Strict"} <= set(reply.headers["Set-Cookie"].split("; "))
        assert "right" not in reply.headers["Set-Cookie"]
        assert (await visit.get("/")).status == 200
        assert (await visit.post("/logout")).status == 303
        assert (await visit.get("/")).status == 303


async def test_a_client_waits_after_wrong_passwords_and_is_logged_once(library: Rig) -> None:
    with capture_logs() as logs:
        async with visitor(library, "right") as visit:
            for _ in range(FREE):
                assert (await visit.post("/login", ("password", "wrong"))).status == 403
            reply = await visit.post("/login", ("password", "right"))
            assert reply.status == 429
            assert 1 <= int(reply.headers["Retry-After"]) <= 60
            assert "try again in 1 min" in reply.text
            assert rejections(logs) == [("warning", 1, "127.0.0.1")]
    assert rejections(logs)[1:] == [("warning", FREE, "127.0.0.1")], "the rest at the end"
    assert "wrong" not in str(logs)


async def test_a_flood_of_passwords_is_one_record_in_each_interval() -> None:
    rejected = Rejections(every=0.05)
    with capture_logs() as logs:
        for client in ("a", "b", "c"):
            rejected.record(client)
        await until(lambda: len(logs) == 2)
        rejected.record("d")
        await until(lambda: len(logs) == 3)
        rejected.close()
    assert rejections(logs) == [("warning", 1, "a"), ("warning", 2, "c"), ("warning", 1, "d")]


@pytest.fixture
async def behind(library: Rig) -> AsyncIterator[Visitor]:
    """Yield visits from this machine, which counts as a reverse proxy."""
    async with visitor(replace(library, toml=PROXY), "right") as visit:
        yield visit


async def test_the_clients_of_a_proxy_are_distinguished(behind: Visitor) -> None:
    async def log_in(client: str, password: str, scheme: str = "http") -> Reply:
        headers = {"X_Forwarded_For": client, "X_Forwarded_Proto": scheme}
        return await behind.post("/login", ("password", password), **headers)

    for _ in range(FREE):
        assert (await log_in("1.1.1.1, 203.0.113.9", "wrong")).status == 403
    assert (await log_in("2.2.2.2, 203.0.113.9", "right")).status == 429
    assert (await log_in("203.0.113.8", "right")).status == 303
    encrypted = await log_in("203.0.113.8", "right", "https")
    assert "Secure" in encrypted.headers["Set-Cookie"].split("; ")


async def test_configured_host_names_are_the_only_ones(behind: Visitor) -> None:
    assert (await behind.get("/login", Host="library.example.com")).status == 200
    reply = await behind.get("/login", Host="evil.com")
    assert reply.status == 403
    assert "[web] hosts" in reply.text


async def test_a_form_that_is_damaged_or_too_large_gets_a_page(library: Rig) -> None:
    with capture_logs() as logs:
        async with visitor(library, "right") as visit:
            parts = aiohttp.FormData([("password", "right")])
            parts.add_field("file", b"x", filename="x")
            assert (await visit.send("POST", "/login", {}, parts)).status == 403, (
                "browsers send no files here"
            )
            headers = {"Content_Type": "application/x-www-form-urlencoded"}
            reply = await visit.send("POST", "/login", headers, BytesIO(bytes(MOST_FORM + 1)))
            assert reply.status == 413
            assert "<h1>" in reply.text
            assert (await visit.delete("/")).status == 405
    assert [one for one in logs if one["event"] == "web.failed"] == []


def rejections(logs: list[Any]) -> list[tuple[str, int, str]]:
    return [
        (one["log_level"], one["attempts"], one["client"])
        for one in logs
        if one["event"] == "web.rejected"
    ]
