"""A server on a bare socket with its client, and conditions of whole test modules."""

import logging
from collections.abc import AsyncIterator, Iterator

import pytest
from support.graph_calls import PROOF, STALL_TIMEOUT, TOKEN
from support.http_server import Server, serving

from syncd.graph.client import GraphClient, connect


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as server:
        yield server


@pytest.fixture
async def client(server: Server) -> AsyncIterator[GraphClient]:
    async with connect(server.url, "v25.0", STALL_TIMEOUT) as client:
        yield client


@pytest.fixture
def secrets_are_not_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.DEBUG):
        yield
    assert TOKEN not in caplog.text
    assert PROOF not in caplog.text


@pytest.fixture
def fast_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the first retry delay: these tests are not about time."""
    monkeypatch.setattr("syncd.rules.backoff._FIRST_RETRY", 0.1)
