"""Every call of the Graph client with secrets in it, and the check that errors hold none."""

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable

import pytest
from support.secrecy import Secrets

from syncd.config import Secret
from syncd.graph.body import Part
from syncd.graph.client import Credentials, GraphClient, GraphError
from syncd.model import AccountId, ImageHash

TOKEN = "EAAB-secret-token"
APP_SECRET = "0123-app-secret"
PROOF = hmac.new(APP_SECRET.encode(), TOKEN.encode(), hashlib.sha256).hexdigest()
SECRETS = Secrets(token=TOKEN, app_secret=APP_SECRET, proof=PROOF)
PLAIN = Credentials(Secret(TOKEN))
PROVED = Credentials(Secret(TOKEN), Secret(APP_SECRET))
ACCOUNT = AccountId("42")
HASH = ImageHash("d8fc613662fb5ff2d3d7e4a3a1a3b2c1")
STALL_TIMEOUT = 0.4
PARTS = [Part("a.jpg", "image/jpeg", b"\xff\xd8abc"), Part("絵.png", "image/png", bytes(300_000))]
SMALL = Part("a&b=絵.jpg", "image/jpeg", b"\xfb\xff" * 1000)
SUCCESS = b'{"images":{"a.jpg":{"hash":"h1"}},"data":[],"success":true,"id":"42"}'
"""A successful response to each of the calls."""

USAGE = (
    'X-Business-Use-Case-Usage: {"42":[{"call_count":28,"estimated_time_to_regain_access":2}]}',
)

Call = Callable[[GraphClient], Awaitable[object]]
CALLS: dict[str, Call] = {
    "upload": lambda c: c.upload(ACCOUNT, PROVED, PARTS),
    "upload_bytes": lambda c: c.upload_bytes(ACCOUNT, PROVED, SMALL),
    "copy": lambda c: c.copy(ACCOUNT, PROVED, AccountId("7"), HASH),
    "images": lambda c: c.images(ACCOUNT, PROVED, [HASH, ImageHash("h2")], "cursor"),
    "library": lambda c: c.library(ACCOUNT, PROVED, None, 500),
    "delete": lambda c: c.delete(ACCOUNT, PROVED, HASH),
    "me": lambda c: c.me(PROVED),
    "account": lambda c: c.account(ACCOUNT, PROVED),
}
every_call = pytest.mark.parametrize("name", CALLS)


async def failure(call: Awaitable[object]) -> GraphError:
    """Return the error that a call ends with, after a check that it holds no secret."""
    async with asyncio.timeout(20):
        with pytest.raises(GraphError) as raised:
            await call
    error = raised.value
    texts = (str(error), repr(error), repr(error.api_error), repr(error.usage))
    SECRETS.assert_not_in({f"text {number}": text for number, text in enumerate(texts)})
    # An error of aiohttp holds the request, and so the token.
    assert error.__cause__ is None
    assert error.__context__ is None
    return error
