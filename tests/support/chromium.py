"""A headless Chromium, controlled through its DevTools protocol; it records what went wrong."""

import asyncio
import base64
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from support.rig import until

DEADLINE = 20.0  # seconds

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")

required = pytest.mark.skipif(PROGRAM is None, reason="NOT TESTED: chromium is not installed")

_POLL = 0.02  # seconds between two evaluations of a condition


class Tab:
    """A page of the browser, its errors, and the addresses that it requested."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = count(1)
        self._responses: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.errors: list[str] = []
        self.requested: list[str] = []

    async def listen(self) -> None:
        """Receive responses and events until the browser ends."""
        async for message in self._socket:
            found = message.json()
            match found.get("method"):
                case "Runtime.exceptionThrown":
                    self.errors.append(str(found["params"]))
                case "Log.entryAdded" if found["params"]["entry"]["level"] == "error":
                    self.errors.append(found["params"]["entry"]["text"])
                case "Runtime.consoleAPICalled" if found["params"]["type"] == "error":
                    self.errors.append(str(found["params"]["args"]))
                case "Network.requestWillBeSent":
                    self.requested.append(found["params"]["request"]["url"])
                case None:
                    self._responses.pop(found["id"]).set_result(found)

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        number = next(self._numbers)
        future = self._responses[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(DEADLINE):
            found = await future
        assert "error" not in found, found
        result: dict[str, Any] = found["result"]
        return result

    async def evaluate(self, script: str) -> Any:
        """Return the value of an expression in the page."""
        found = await self.call(
            "Runtime.evaluate",
            expression=script,
            returnByValue=True,
            awaitPromise=True,
            userGesture=True,
        )
        assert "exceptionDetails" not in found, (script, found)
        return found["result"].get("value")

    async def until(self, condition: str) -> None:
        """Wait until an expression is true in the page."""
        async with asyncio.timeout(DEADLINE):
            while not await self.evaluate(f"Boolean({condition})"):  # noqa: ASYNC110  no event
                await asyncio.sleep(_POLL)

    async def open(self, url: str) -> None:
        """Load a page with everything that it contains."""
        await self.call("Page.navigate", url=url)
        path = urlsplit(url).path
        await self.until(f"location.pathname === {path!r} && document.readyState === 'complete'")

    async def press(self, key: str) -> None:
        """Press a key."""
        text = {"text": key} if len(key) == 1 else {}
        await self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    async def resize(self, width: int, height: int, *, dark: bool) -> None:
        """Set the size of the page in CSS pixels, and the colours that the user prefers."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])

    async def screenshot(self) -> bytes:
        """Return what the page shows as PNG."""
        found = await self.call("Page.captureScreenshot")
        return base64.b64decode(found["data"])


@asynccontextmanager
async def browser(profile: Path) -> AsyncIterator[Tab]:
    """Run Chromium with one page; `profile` is a directory for its files."""
    assert PROGRAM is not None
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--remote-debugging-port=0",
        f"--user-data-dir={profile}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        port = await _port(profile / "DevToolsActivePort")
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as response:
                pages = await response.json()
            address = next(one["webSocketDebuggerUrl"] for one in pages if one["type"] == "page")
            async with session.ws_connect(address, max_msg_size=0) as socket:
                tab = Tab(socket)
                listening = asyncio.create_task(tab.listen(), name="chromium")
                for domain in ("Page", "Runtime", "Log", "Network"):
                    await tab.call(f"{domain}.enable")
                await tab.call("Emulation.setFocusEmulationEnabled", enabled=True)
                yield tab
            await listening
    finally:
        process.terminate()
        await process.wait()


async def _port(file: Path) -> int:
    """Return the port on which the browser listens, once it has written it."""
    await until(lambda: file.exists() and "\n" in file.read_text())
    return int(file.read_text().splitlines()[0])  # noqa: ASYNC240  a short file
